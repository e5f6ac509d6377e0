"""A private home per test, a runner for pynsc, and the real server on a free port."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pynsc.__main__ import main

from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, server_command


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
    folder: Path
    process: subprocess.Popen[bytes]


def _ports(folder: Path, process: subprocess.Popen[bytes]) -> str:
    def written() -> str:
        assert process.poll() is None, (folder / "log").read_text()
        for path in folder.glob("*.ports"):
            try:
                return str(json.loads(path.read_text())["nats"][0])
            except (ValueError, LookupError):
                continue
        return ""

    return wait_until(written, "the ports file")


@pytest.fixture(params=[PYNATS, pytest.param(REFERENCE, marks=pytest.mark.reference)])
def start_server(home: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Server]]:
    """Start our server, or the real one, with `config`; all servers end with the test."""
    (program,) = server_command(request.param)
    processes: list[subprocess.Popen[bytes]] = []

    def start(config: str) -> Server:
        folder = home / f"server{len(processes)}"
        folder.mkdir()
        config = config.replace("'./jwt'", f"'{folder}/jwt'").replace(
            "allow_delete: false", "allow_delete: true"
        )
        head = f'listen: "127.0.0.1:-1"\nports_file_dir: "{folder}"\nlog_file: "{folder}/log"\n'
        (folder / "server.conf").write_text(head + config)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [program, "-c", str(folder / "server.conf")], stdout=subprocess.DEVNULL, stderr=log
            )
        processes.append(process)
        return Server(_ports(folder, process), folder, process)

    yield start
    for process in processes:
        process.kill()
        process.wait()
