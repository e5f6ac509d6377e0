"""What the program tells a service manager by sd_notify(3)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynats_server.options import Options
from pynats_server.process import notify
from pynats_server.process.notify import Notifier, Patience, connect
from pynats_server.server.accepted import accept
from pynats_server.server.server import Server
from pynats_server.server.service import ServiceServer

from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

CONFIG = "max_connections: 10\n"


class Manager:
    """The other end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE_S)
        self.heard: list[dict[str, str]] = []

    def next(self) -> dict[str, str]:
        """The next message."""
        lines = self._socket.recv(65536).decode().splitlines()
        message = dict(line.split("=", 1) for line in lines)
        self.heard.append(message)
        return message

    def until(self, key: str) -> dict[str, str]:
        """The next message that says so."""
        while key not in (message := self.next()):
            pass
        return message

    def drain(self) -> int:
        """How many messages were there."""
        self._socket.setblocking(False)
        count = 0
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(65536):
                count += 1
        self._socket.settimeout(PATIENCE_S)
        return count

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", made.address)
    yield made
    made.close()


def test_the_life_of_a_server(manager: Manager, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    flags = ("-js", "-sd", str(folder / "data"))
    server = ServerProcess(PYNATS, folder, CONFIG, flags, forked=False)
    with server:
        ready = manager.next()
        assert ready["READY"] == "1"
        assert ready["STATUS"].endswith(f":{server.port}: 0 connections, 0 streams")

        assert server.reload(CONFIG + "max_payload: 1000\n")
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        reloading = manager.until("RELOADING")
        assert 0 < int(reloading["MONOTONIC_USEC"]) <= before_us
        assert manager.next()["READY"] == "1"

        assert not server.reload("max_payload: {}\n")
        manager.until("RELOADING")
        refused = manager.next()
        assert refused["READY"] == "1"
        assert "configuration not reloaded" in refused["STATUS"]
        assert "max_payload" in refused["STATUS"]

        assert server.reload(CONFIG)
        manager.until("RELOADING")
        assert "not reloaded" not in manager.next()["STATUS"]

        with RawClient(server.port):
            server.signal(signal.SIGUSR2)
            stopping = manager.until("STOPPING")
            assert stopping["STATUS"].startswith("Lame duck mode; ")
            assert "1 connection," in stopping["STATUS"]
            server.signal(signal.SIGINT)
            assert manager.next() == {"STOPPING": "1", "STATUS": "Shutting down"}
        assert server.wait() == 0


def test_the_loop_shows_that_it_runs(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    with ServerProcess(PYNATS, tmp_path / "server", forked=False) as server:
        assert "WATCHDOG" not in manager.until("READY")
        for _ in range(3):
            assert manager.until("WATCHDOG")["WATCHDOG"] == "1"
        with RawClient(server.port):
            wait_until(lambda: "1 connection" in manager.next().get("STATUS", ""), "a status")
        server.signal(signal.SIGTERM)
        manager.until("STOPPING")


def test_a_manager_that_has_gone_hurts_nobody(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    with ServerProcess(PYNATS, tmp_path / "server", CONFIG, forked=False) as server:
        manager.until("WATCHDOG")
        manager.close()
        Path(manager.address).unlink()
        assert server.reload(CONFIG + "max_payload: 1000\n")
        server.signal(signal.SIGUSR2)
        assert server.wait() == 0
        assert "internal error" not in server.log()


def test_a_name_without_a_file(tmp_path: Path) -> None:
    manager = Manager(f"@pynats-test-{os.getpid()}-{tmp_path.name}")
    notifier = connect({"NOTIFY_SOCKET": manager.address})
    assert notifier is not None
    notifier.ready("two\nlines\0")
    assert manager.next() == {"READY": "1", "STATUS": "two lines"}
    notifier.more_time()
    assert manager.next() == {"EXTEND_TIMEOUT_USEC": "60000000"}
    notifier.close()
    notifier.alive("closed")
    manager.close()


def test_a_socket_that_is_none(tmp_path: Path) -> None:
    fifo, file = tmp_path / "fifo", tmp_path / "file"
    os.mkfifo(fifo)
    file.write_text("kept")
    for address in (fifo, file, tmp_path, "/dev/null", "/x" * 200, "@" + "x" * 200, "/\udcff"):
        notifier = connect({"NOTIFY_SOCKET": str(address)})
        assert notifier is not None
        notifier.ready("nobody hears it")
        notifier.alive("still here")
        notifier.close()
    assert file.read_text() == "kept"


def test_a_manager_that_does_not_listen_keeps_nobody_waiting(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    notifier = Notifier(manager.address, 1.0)
    for number in range(1000):  # more than there is room for
        notifier.alive(str(number))
    notifier.stopping("it is told later")
    while "WATCHDOG" in manager.next() and len(manager.heard) < 1000:
        notifier.alive("still here")
        if "STOPPING" in manager.heard[-1]:
            break
    assert manager.heard[-1]["STOPPING"] == "1"
    notifier.close()
    manager.close()


def test_what_could_not_be_told_comes_later(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    notifier = Notifier(str(address), 1.0)
    notifier.ready("nobody hears it")
    manager = Manager(str(address))
    notifier.alive("still here")
    assert manager.next() == {"READY": "1", "WATCHDOG": "1", "STATUS": "still here"}
    notifier.alive("still here")
    assert manager.next() == {"WATCHDOG": "1"}
    notifier.close()
    manager.close()


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": ""}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, None),
        ({"NOTIFY_SOCKET": "/x"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "5", "WATCHDOG_PID": str(os.getpid())}, 0.1),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "9" * 400}, 1e6),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "9" * 5000}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, 0.0),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "-1"}, 0.0),
    ],
)
def test_what_the_environment_says(environ: dict[str, str], watchdog_s: float | None) -> None:
    notifier = connect(environ)
    assert environ == {}, "a child would speak for this process"
    assert (notifier and notifier.watchdog_s) == watchdog_s
    if notifier is not None:
        notifier.close()


def test_a_start_that_works_gets_more_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager(str(tmp_path / "notify"))
    notifier = Notifier(manager.address)
    monkeypatch.setattr(notify, "BUSY_SHARE", 0.0)
    patience = Patience(notifier.more_time, 0.01)
    assert manager.until("EXTEND_TIMEOUT_USEC") == {"EXTEND_TIMEOUT_USEC": "60000000"}
    patience.end()
    notifier.close()
    manager.close()


def test_a_start_that_hangs_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager(str(tmp_path / "notify"))
    notifier = Notifier(manager.address)
    looks: list[float] = []

    def used() -> float:
        looks.append(0.0)
        return 0.0

    monkeypatch.setattr(time, "process_time", used)
    patience = Patience(notifier.more_time, 0.01)
    wait_until(lambda: len(looks) > 5, "looks at the clock")
    patience.end()
    notifier.ready("at last")
    assert manager.next() == {"READY": "1", "STATUS": "at last"}
    notifier.close()
    manager.close()


def test_streams_that_are_recovered_by_a_reload_are_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = Manager(str(tmp_path / "notify"))
    notifier = Notifier(manager.address, 0.2)
    monkeypatch.setattr(notify, "BUSY_SHARE", -1.0)

    async def live() -> None:
        accepted = accept(Options(host="127.0.0.1", port=-1))
        async with ServiceServer(accepted, notifier, "x") as server:
            life = server._jetstream_life
            monkeypatch.setattr(life, "_start", lambda: [manager.until("WATCHDOG") for _ in "abc"])
            life.start()  # the event loop does not run meanwhile
            manager.drain()
            server._alive_at_work()
            assert manager.drain() == 0, "a loop that is held up by something else is one"

    asyncio.run(live())
    manager.close()


def test_an_embedded_server_tells_nobody(manager: Manager) -> None:
    async def live() -> None:
        async with Server(Options(port=-1), log=None):
            assert os.environ["NOTIFY_SOCKET"] == manager.address

    asyncio.run(live())
    notifier = connect()
    assert notifier is not None
    notifier.ready("the first word")
    assert manager.next()["STATUS"] == "the first word"
    notifier.close()
