"""A private home per test, a runner for pynsc, and the real server on a free port."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pynsc.__main__ import main

from tests.cli.conftest import url_of
from tests.support.process import PYNATS, REFERENCE, ServerProcess


@dataclass
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith(("NSC_", "NKEYS", "NATS_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def nsc(home: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs pynsc; the exit status must be `code`."""

    def run(*arguments: str, code: int = 0) -> Result:
        capfd.readouterr()
        status = main(list(arguments))
        captured = capfd.readouterr()
        assert status == code, f"{arguments}: {captured.out}{captured.err}"
        assert "Traceback" not in captured.err
        return Result(status, captured.out, captured.err)

    return run


@dataclass
class Server:
    url: str


@pytest.fixture(params=[PYNATS, pytest.param(REFERENCE, marks=pytest.mark.reference)])
def start_server(home: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Server]]:
    """Start our server, or the real one, with `config`; all servers end with the test."""
    processes: list[ServerProcess] = []

    def start(config: str) -> Server:
        folder = home / f"server{len(processes)}"
        config = config.replace("'./jwt'", f"'{folder}/jwt'").replace(
            "allow_delete: false", "allow_delete: true"
        )
        processes.append(ServerProcess(request.param, folder, config).start())
        return Server(url_of(processes[-1]))

    yield start
    for process in processes:
        process.kill()
