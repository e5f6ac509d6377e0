"""`pynats auth` and `pynsc` with one private home, and so with one store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pynsc.__main__ import main as nsc_main

import tests.cli.auth.ready  # noqa: F401
from tests.cli.conftest import Cli, Result

Auth = Callable[..., Result]


@pytest.fixture
def home_cli(make_cli: Callable[[str], Cli]) -> Cli:
    """Runs in a home whose data folder is its own."""
    cli = make_cli("")
    cli.environment["XDG_DATA_HOME"] = str(cli.home / "data")
    cli.environment.pop("NSC_HOME", None)
    return cli


@pytest.fixture
def store(home_cli: Cli) -> Path:
    """Where both tools keep the store."""
    return home_cli.home / "data" / "nats" / "nsc"


@pytest.fixture
def auth(home_cli: Cli) -> Auth:
    """Runs `pynats auth`; the exit code must be `code`."""

    def run(*words: str, code: int = 0, **more: str) -> Result:
        done = home_cli.run("auth", *words, **more)
        assert done.code == code, f"{words}: {done.out}{done.err}"
        assert "Traceback" not in done.err
        return done

    return run


@pytest.fixture
def nsc(home_cli: Cli, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Auth:
    """Runs `pynsc` with the same home."""
    monkeypatch.delenv("NSC_HOME", raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, home_cli.environment[name])

    def run(*words: str, code: int = 0) -> Result:
        capfd.readouterr()
        status = nsc_main(list(words))
        said = capfd.readouterr()
        assert status == code, f"{words}: {said.out}{said.err}"
        return Result(status, said.out, said.err)

    return run
