"""Peers that misbehave must cost themselves, not the server and not the others.

Ours only: the promises here (bounded memory, nobody else loses anything) are stronger than what
the reference states. All clients are raw sockets in this process.
"""

from __future__ import annotations

import re
import resource
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.deadline import Deadline, wait_until
from tests.support.process import PYNATS, ServerProcess, lasting_port
from tests.support.raw import RawClient

QUIET = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
MIB = 1 << 20


def _client(server: ServerProcess, rcvbuf: int | None = None) -> RawClient:
    client = RawClient(server.port, timeout_s=30, rcvbuf=rcvbuf)
    client.read_info()
    client.send(QUIET)
    client.fence()
    return client


def _open_files(server: ServerProcess) -> int:
    return sum(1 for _ in Path(f"/proc/{server.pid}/fd").iterdir())


def _assert_serves(server: ServerProcess) -> None:
    with _client(server) as client:
        client.send(b"SUB still.here 1\r\nPUB still.here 2\r\nhi\r\n")
        client.fence()
        assert b"MSG still.here 1 2\r\nhi\r\n" in client.received
    assert server.alive
    assert "Traceback" not in server.log()


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Allow this process, and the server it starts, `count` open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"only {hard} open files allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class _Counter(threading.Thread):
    """Reads a connection to its end and keeps the numbers of the messages that came."""

    def __init__(self, client: RawClient, size: int, expected: int) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._frame = len(b"MSG flood 1 %d\r\n" % size) + size + 2
        self._bytes_due = self._frame * expected
        self.complete = False
        self.in_order = True

    def run(self) -> None:
        pending = bytearray()
        number = received = 0
        deadline = Deadline(90)
        while received < self._bytes_due and not deadline.passed:
            chunk = self._client.socket.recv(1 << 18)
            if not chunk:
                return
            received += len(chunk)
            pending += chunk
            whole = len(pending) - len(pending) % self._frame
            for start in range(0, whole, self._frame):
                line = pending.index(b"\r\n", start) + 2
                self.in_order &= pending[line : line + 10] == b"%010d" % number
                number += 1
            del pending[:whole]
        self.complete = received == self._bytes_due


def _flood(client: RawClient, size: int, count: int) -> None:
    """Publish `count` numbered messages of `size` bytes on `flood`."""
    filler = b"x" * (size - 10)
    for start in range(0, count, 256):
        numbers = range(start, min(start + 256, count))
        client.socket.sendall(
            b"".join(b"PUB flood %d\r\n%010d%s\r\n" % (size, n, filler) for n in numbers)
        )
    client.fence()
    assert not client.closed and not client.timed_out


def test_subscriber_that_stops_reading_is_cut(tmp_path: Path) -> None:
    size, count, limit = 4096, 16_000, 4 * MIB
    with ServerProcess(PYNATS, tmp_path, f"max_pending: {limit}\n") as server:
        before = server.resident_bytes()
        stalled = _client(server, rcvbuf=4096)
        healthy, publisher = _client(server), _client(server)
        for client in (stalled, healthy):
            client.send(b"SUB flood 1\r\n")
            client.fence()
        counter = _Counter(healthy, size, count)
        counter.start()
        _flood(publisher, size, count)
        counter.join(60)
        assert counter.complete and counter.in_order, "the healthy subscriber lost messages"
        wait_until(lambda: "Slow Consumer Detected" in server.log(), "log line")
        assert re.search(
            r"\[INF\] 127\.0\.0\.1:\d+ - cid:\d+ - .*Slow Consumer Detected: "
            rf"MaxPending of {limit} Exceeded",
            server.log(),
        ), server.log()[-2000:]
        stalled.read_to_end(10)
        assert stalled.closed
        grown = server.resident_bytes() - before
        for client in (stalled, healthy, publisher):
            client.close()
        assert grown < 20 * limit, f"grew by {grown / MIB:.0f} MiB"
        _assert_serves(server)


def test_subscriber_that_exceeds_the_write_deadline_is_cut(tmp_path: Path) -> None:
    size, count = 4096, 8000
    with ServerProcess(PYNATS, tmp_path, 'write_deadline: "300ms"\n') as server:
        stalled = _client(server, rcvbuf=4096)
        healthy, publisher = _client(server), _client(server)
        for client in (stalled, healthy):
            client.send(b"SUB flood 1\r\n")
            client.fence()
        counter = _Counter(healthy, size, count)
        counter.start()
        _flood(publisher, size, count)
        counter.join(60)
        assert counter.complete and counter.in_order, "the healthy subscriber lost messages"
        wait_until(lambda: "Slow Consumer Detected" in server.log(), "log line")
        assert re.search(
            r"Slow Consumer Detected: WriteDeadline of 300ms exceeded with \d+ chunks of \d+ "
            r"total bytes\.",
            server.log(),
        ), server.log()[-2000:]
        stalled.read_to_end(10)
        assert stalled.closed
        for client in (stalled, healthy, publisher):
            client.close()
        _assert_serves(server)


def test_slow_consumers_are_counted(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, "max_pending: 1MB\n", monitor=True) as server:
        assert server.monitoring("/varz")["slow_consumers"] == 0
        for cut in (1, 2):
            stalled, publisher = _client(server, rcvbuf=4096), _client(server)
            stalled.send(b"SUB flood 1\r\n")
            stalled.fence()
            _flood(publisher, 65536, 256)
            wait_until(lambda: server.log().count("Slow Consumer Detected") == cut, "log line")  # noqa: B023
            assert server.monitoring("/varz")["slow_consumers"] == cut
            stalled.close()
            publisher.close()


def test_publisher_that_never_reads_its_answers_is_cut(tmp_path: Path) -> None:
    """Verbose answers and PONGs are output like any other: unread, they must not pile up."""
    with ServerProcess(PYNATS, tmp_path, "max_pending: 1MB\n") as server:
        before = server.resident_bytes()
        rude = RawClient(server.port, rcvbuf=4096)
        rude.socket.settimeout(2)
        sent = 0
        try:
            while sent < 64 * MIB:
                sent += rude.socket.send(b"PING\r\n" * 10_000)
        except (TimeoutError, ConnectionError):
            pass  # either is fine: no longer read from, or cut
        _assert_serves(server)
        assert server.resident_bytes() - before < 32 * MIB
        rude.close()


def test_half_open_and_vanished_peers_are_released(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, 'ping_interval: "200ms"\nping_max: 1\n') as server:
        files = _open_files(server)
        half_closed = [_client(server) for _ in range(50)]
        for client in half_closed:
            client.socket.shutdown(socket.SHUT_WR)
        reset = [_client(server) for _ in range(50)]
        for client in reset:  # close with RST instead of FIN
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.send(b"SUB > 1\r\nPUB foo 100\r\npart")
            client.close()
        silent = [_client(server) for _ in range(50)]  # never answer a PING
        wait_until(lambda: _open_files(server) <= files, "connections released", 15)
        for client in [*half_closed, *silent]:
            assert client.read_to_end(5)
            client.close()
        _assert_serves(server)


def test_flood_of_partial_connects(tmp_path: Path) -> None:
    """GHSA-r72h in the client protocol: bytes before authentication are bounded per socket."""
    count = 1000
    config = "authorization { user: ann, password: secret, timeout: 2 }\n"
    with many_files(count + 500), ServerProcess(PYNATS, tmp_path, config) as server:
        files, before = _open_files(server), server.resident_bytes()
        flood = []
        for _ in range(count):
            client = RawClient(server.port)
            client.send(b'CONNECT {"user":"' + b"x" * 3000)
            flood.append(client)
        with RawClient(server.port) as good:
            good.send(b'CONNECT {"verbose":false,"user":"ann","pass":"secret"}\r\n')
            good.fence()
            assert not good.closed and not good.timed_out
        grown = server.resident_bytes() - before
        assert grown < count * 64 * 1024, f"{grown / count / 1024:.0f} KiB per socket"
        for client in flood:
            assert client.read_to_end(10)
            client.close()
        wait_until(lambda: _open_files(server) <= files, "connections released", 10)
        assert server.alive and "Traceback" not in server.log()


@pytest.mark.slow
def test_five_thousand_connections(tmp_path: Path) -> None:
    count = 5000
    with many_files(count + 1000), ServerProcess(PYNATS, tmp_path) as server:
        files = _open_files(server)
        clients = [RawClient(server.port, timeout_s=60) for _ in range(count)]
        for client in clients:
            client.send(QUIET + b"SUB all 1\r\n")
        for client in clients:
            client.fence()
            assert not client.timed_out
        with _client(server) as publisher:
            publisher.send(b"PUB all 5\r\nhello\r\n")
            publisher.fence()
        _read_everywhere(clients, b"MSG all 1 5\r\nhello\r\n")
        for client in clients:
            client.close()
        wait_until(lambda: _open_files(server) <= files, "connections released", 30)
        _assert_serves(server)


def _read_everywhere(clients: list[RawClient], wanted: bytes) -> None:
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        waiting = {client for client in clients if wanted not in client.received}
        deadline = Deadline(30)
        while waiting and not deadline.passed:
            for key, _ in selector.select(deadline.remaining()):
                client: RawClient = key.data
                client.read_some(0)
                if wanted in client.received:
                    waiting.discard(client)
        assert not waiting, f"{len(waiting)} of {len(clients)} got nothing"


class _Reconnecting(threading.Thread):
    """Keeps a connection to `port` open and does `work` on it until told to stop."""

    def __init__(self, port: int, subscribe: bool) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._subscribe = subscribe
        self.stopping = threading.Event()
        self.connects = 0
        self.messages = 0

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                with RawClient(self._port, timeout_s=5) as client:
                    self._serve(client)
            except OSError:
                self.stopping.wait(0.02)

    def _serve(self, client: RawClient) -> None:
        client.read_info()
        client.send(QUIET + (b"SUB load.> 1\r\n" if self._subscribe else b""))
        client.fence()
        if client.closed:
            return
        self.connects += 1
        while not self.stopping.is_set() and not client.closed:
            if self._subscribe:
                client.read_some(0.1)
                self.messages += client.received.count(b"MSG ")
                client.received.clear()
            else:
                client.socket.sendall(b"PUB load.x 100\r\n" + b"y" * 100 + b"\r\n")
                client.read_some(0.0005)


def test_restart_under_load(tmp_path: Path) -> None:
    """Killed in the middle of traffic, the server comes back on its port and clients go on."""
    server = ServerProcess(PYNATS, tmp_path, port=lasting_port())
    server.start()
    subscribers = [_Reconnecting(server.port, True) for _ in range(4)]
    publishers = [_Reconnecting(server.port, False) for _ in range(4)]
    everyone = [*subscribers, *publishers]
    try:
        for thread in everyone:
            thread.start()
        for round_number in range(1, 4):
            wait_until(lambda n=round_number: all(t.connects >= n for t in everyone), "reconnects")  # type: ignore[misc]
            reached = [subscriber.messages for subscriber in subscribers]
            wait_until(
                lambda old=reached: all(  # type: ignore[misc]
                    now.messages > then + 10 for now, then in zip(subscribers, old, strict=True)
                ),
                "messages flow again",
            )
            if round_number % 2:
                server.kill()
            else:
                server.stop()
                assert server.exit_code == 0
            assert "Traceback" not in server.log()
            server.start()
        _assert_serves(server)
    finally:
        for thread in everyone:
            thread.stopping.set()
        server.stop()
        for thread in everyone:
            thread.join(10)
