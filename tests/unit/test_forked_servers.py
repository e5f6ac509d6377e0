"""Servers that tests fork are what the program is: arguments, surroundings, and how it ends."""

from __future__ import annotations

import json
import resource
import signal
import threading
from pathlib import Path

import pytest

from tests.support import template
from tests.support.process import PYNATS, ServerFailed, ServerProcess
from tests.support.template import Forked

pytestmark = pytest.mark.skipif(not template.WANTED, reason="not wanted here")


def environ(server: ServerProcess) -> dict[str, str]:
    text = Path(f"/proc/{server.pid}/environ").read_text()
    return dict(line.split("=", 1) for line in text.split("\0") if line)


def test_it_ends_as_the_program_does(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path) as server:
        assert isinstance(server._process, Forked)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert not server.alive
    with ServerProcess(PYNATS, tmp_path) as server:
        server.kill()
        assert server.exit_code == -signal.SIGKILL


def test_what_is_refused_is_in_the_log(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="exited with 1"):
        ServerProcess(PYNATS, tmp_path, "no_such_key: 1\n").start()


def test_variables_and_folder_are_those_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANTED_NAME", "here")
    monkeypatch.chdir(tmp_path)
    with ServerProcess(PYNATS, tmp_path, "server_name: $WANTED_NAME\n", monitor=True) as server:
        assert server.monitoring("/varz")["server_name"] == "here"
        assert Path(f"/proc/{server.pid}/cwd").resolve() == tmp_path


def test_limits_are_those_of_now(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    server = ServerProcess(PYNATS, tmp_path)
    try:
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    try:
        assert resource.prlimit(server.pid, resource.RLIMIT_FSIZE)[0] == 1 << 20
    finally:
        server.stop()


def test_what_counts_when_a_process_begins_needs_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    with ServerProcess(PYNATS, tmp_path) as server:
        assert not isinstance(server._process, Forked)
        assert environ(server)["PYTHONHASHSEED"] == "7"


def test_each_thread_gets_its_own(tmp_path: Path) -> None:
    servers = [ServerProcess(PYNATS, tmp_path / str(number)) for number in range(6)]
    threads = [threading.Thread(target=server.start) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        for server in servers:
            told = json.loads(next(server.folder.glob("*.ports")).read_text())
            assert next(server.folder.glob("*.ports")).name.endswith(f"_{server.pid}.ports")
            assert told["nats"][0].endswith(f":{server.port}")
    finally:
        for server in servers:
            server.stop()


def test_what_a_sanitizer_finds_fails_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a server that seemed to work."""
    monkeypatch.setenv("ASAN_OPTIONS", "")
    server = ServerProcess(PYNATS, tmp_path).start()
    with server.log_path.open("a") as log:
        log.write("module.c:7:1: runtime error: shift exponent 40 is too large\n")
    with pytest.raises(ServerFailed, match="shift exponent"):
        server.stop()
    assert not server.alive
