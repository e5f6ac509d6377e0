"""Servers for the tools, and a way to run the tools.

Every test that asks for `server` runs against ours, and in `make reference` against the real
server.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pynats_cli
import pytest
import typer  # noqa: F401 - as all that a run would import
from pynats_cli.entry import main

from tests.cli.inside import become, opened, run_inside, use_files
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.template import Forked, Program, template

for _module in pkgutil.walk_packages(pynats_cli.__path__, "pynats_cli."):
    if not _module.name.endswith("__main__"):
        # Once, for all runs in this process: importing is most of what a short run does.
        importlib.import_module(_module.name)

THE_REAL_ONE = pytest.param(REFERENCE, marks=pytest.mark.reference)
KINDS = [PYNATS, THE_REAL_ONE]


@dataclass(frozen=True)
class Result:
    """The result of one run of `pynats`."""

    code: int
    out: str
    err: str


PROGRAM = Program("pynats_cli", "tests.cli.inside:as_a_process", ("pynats_cli.__main__",))


class Running:
    """A running `pynats` in a separate process; its output goes to files."""

    def __init__(self, folder: Path, process: Forked) -> None:
        self._folder = folder
        self._process = process
        self.pid = process.pid

    def out(self) -> str:
        return _read(self._folder / "out")

    def err(self) -> str:
        return _read(self._folder / "err")

    def exit_code(self) -> int | None:
        """Exit code, None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_for(self, text: str) -> None:
        """Waits until `text` was printed to stdout or stderr."""

        def printed() -> bool:
            if text in self.out() or text in self.err():
                return True
            assert self.exit_code() is None, f"ended without {text!r}: {self.out()}{self.err()}"
            return False

        wait_until(printed, f"{text!r} in the output")

    def finish(self) -> Result:
        """Waits for the end."""
        wait_until(lambda: self.exit_code() is not None, "the end of pynats")
        return Result(self.exit_code() or 0, self.out(), self.err())


def _read(path: Path) -> str:
    return path.read_bytes().decode(errors="backslashreplace") if path.exists() else ""


class Cli:
    """Runs `pynats` with its own home and without its environment variables."""

    def __init__(self, home: Path, url: str = "") -> None:
        self.home = home
        self._running: list[Running] = []
        self._runs = 0
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NATS_")}
        self.environment = {
            **kept,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "TZ": "UTC",
        }
        if url:
            self.environment["NATS_URL"] = url

    def run(
        self,
        *arguments: str,
        stdin: str | bytes = b"",
        program: Callable[[], Any] = main,
        **environment: str,
    ) -> Result:
        """Runs to the end, in the process of the test."""
        folder = self._folder(stdin)
        code = run_inside(program, folder, arguments, {**self.environment, **environment})
        return Result(code, _read(folder / "out"), _read(folder / "err"))

    def start(self, *arguments: str, stdin: str | bytes = b"", **environment: str) -> Running:
        """Starts without waiting, in a process of its own.

        It is forked from one that has imported everything: a run takes milliseconds instead of a
        third of a second. `test_invocation` runs the real console script.
        """
        folder, variables = self._folder(stdin), {**self.environment, **environment}
        with opened(folder) as descriptors:
            process = template(PROGRAM).fork(("pynats", *arguments), descriptors, variables)
        return self._kept(Running(folder, process))

    def start_patched(self, *arguments: str, stdin: str | bytes = b"") -> Running:
        """The same with what the test has changed in the program's modules."""
        folder = self._folder(stdin)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            use_files(folder)
            become(arguments, self.environment)
        return self._kept(Running(folder, Forked(pid)))

    def _kept(self, running: Running) -> Running:
        self._running.append(running)
        return running

    def _folder(self, stdin: str | bytes) -> Path:
        """A new one, for the files that are a run's standard streams."""
        self._runs += 1
        folder = self.home / f"run{self._runs}"
        folder.mkdir()
        (folder / "in").write_bytes(stdin.encode() if isinstance(stdin, str) else stdin)
        return folder

    def close(self) -> None:
        """Ends the runs that are still active."""
        for running in self._running:
            running.signal(signal.SIGKILL)
            running.finish()


@pytest.fixture(scope="session", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A plain server: no authorization, no JetStream."""
    folder = tmp_path_factory.mktemp(request.param)
    with ServerProcess(request.param, folder, forked=False) as process:
        yield process


@pytest.fixture(scope="session", params=KINDS)
def stream_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server with JetStream."""
    folder = tmp_path_factory.mktemp("jetstream")
    config = f'jetstream {{ store_dir: "{folder / "store"}" }}'
    with ServerProcess(request.param, folder, config) as process:
        yield process


def url_of(server: ServerProcess) -> str:
    return f"nats://127.0.0.1:{server.port}"


@pytest.fixture
def make_cli(tmp_path: Path) -> Iterator[Callable[[str], Cli]]:
    made: list[Cli] = []

    def make(url: str = "") -> Cli:
        home = tmp_path / f"home{len(made)}"
        home.mkdir()
        made.append(Cli(home, url))
        return made[-1]

    yield make
    for cli in made:
        cli.close()


@pytest.fixture
def cli(server: ServerProcess, make_cli: Callable[[str], Cli]) -> Cli:
    """`pynats` connected to the plain server."""
    return make_cli(url_of(server))


@pytest.fixture
def stream_cli(stream_server: ServerProcess, make_cli: Callable[[str], Cli]) -> Cli:
    """`pynats` connected to the JetStream server."""
    return make_cli(url_of(stream_server))


@pytest.fixture
def lone_cli(make_cli: Callable[[str], Cli]) -> Cli:
    """`pynats` without a server."""
    return make_cli("")
