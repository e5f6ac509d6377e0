"""How a connection comes to its layer, and what waits meanwhile: an engine driven by hand."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.tls.engine import Engine

from tests.support.authorities import Authority
from tests.support.deadline import Deadline
from tests.support.life import Handler, Life
from tests.support.tls import PythonClient, TlsPlan


class Notes(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.secured: list[ClientConnection] = []
        self.failed: list[str] = []
        self.when_secured: Callable[[ClientConnection], object] = lambda _: None

    def on_secured(self, client: ClientConnection) -> None:
        self.secured.append(client)
        self.when_secured(client)

    def on_tls_failed(self, _: ClientConnection, text: str) -> None:
        self.failed.append(text)


class TlsLife(Life):
    """With a context, and a client of Python's `ssl` for each peer."""

    handler: Notes

    def __init__(self, context: Any, authority: Authority) -> None:
        super().__init__()
        self.context = context
        self.authority = authority
        self.handler = Notes()
        self.heard = b""  # with the end of the handshake
        loop: Any = self.loop
        self.engine.close()
        self.engine = type(self.engine)(loop, self.handler)

    def arrive(self, reader: Any = None) -> tuple[ClientConnection, socket.socket, PythonClient]:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the kernel's minimum
        theirs.setblocking(False)
        client = ClientConnection(self.engine, ours, "here", 1, self.account)
        if reader is not None:
            client.begin_prologue(reader)
        client.open()
        self.peers.append(theirs)
        return client, theirs, PythonClient(self.authority)

    def step(self) -> None:
        self.engine.turn()
        self.loop.run_soon()

    def until(self, done: Callable[[], object]) -> None:
        deadline = Deadline()
        while not done():
            deadline.check("it is done")
            self.step()

    def read(self, peer: socket.socket) -> bytes:
        try:
            return peer.recv(1 << 16)
        except BlockingIOError:
            return b""

    def shake(self, peer: socket.socket, client: PythonClient) -> None:
        """A handshake to its end, on both sides."""
        count = len(self.handler.secured)
        done = client.shake(b"")
        self.heard = b""
        deadline = Deadline()
        while not done or len(self.handler.secured) == count:
            deadline.check("a handshake")
            if said := client.take():
                peer.sendall(said)
            self.step()
            if heard := self.read(peer):
                if done:
                    self.heard += client.read(heard)
                else:
                    done = client.shake(heard)

    def hear(self, peer: socket.socket, client: PythonClient, end: bytes) -> bytes:
        heard, self.heard = self.heard, b""
        deadline = Deadline()
        while not heard.endswith(end):
            deadline.check(f"{end!r}, after {heard[-50:]!r}")
            self.step()
            heard += client.read(self.read(peer))
        return heard


@pytest.fixture
def life(engine: Engine, plan: TlsPlan, authority: Authority) -> Iterator[TlsLife]:
    life = TlsLife(engine.server_context(plan), authority)
    yield life
    life.end()


def test_what_was_written_before_leaves_in_clear(life: TlsLife) -> None:
    """Even if the kernel has no room for it yet."""
    client, peer, other = life.arrive()
    greeting = b"INFO " + b"x" * 300_000 + b"\r\n"
    client.send(greeting)
    client.start_tls(life.context)
    client.send(b"sealed")
    assert client.securing
    assert client.pending_bytes > 100_000
    heard = bytearray()
    life.until(lambda: heard.extend(life.read(peer)) or len(heard) == len(greeting))
    assert heard == greeting
    life.shake(peer, other)
    assert life.hear(peer, other, b"sealed") == b"sealed"
    assert client.secured
    assert not client.securing
    assert client.pending_bytes == 0


def test_what_is_written_meanwhile_waits(life: TlsLife) -> None:
    client, peer, other = life.arrive()
    client.start_tls(life.context)
    client.send(b"early ")
    life.step()
    assert life.read(peer) == b""
    life.handler.when_secured = lambda client: client.send(b"late")
    life.shake(peer, other)
    assert life.hear(peer, other, b"late") == b"early late"


def test_a_pause_after_the_handshake(life: TlsLife) -> None:
    client, peer, other = life.arrive()
    client.start_tls(life.context)
    life.handler.when_secured = lambda client: client.hold()
    life.shake(peer, other)
    peer.sendall(other.write(b"PING\r\n"))
    life.step()
    life.step()
    assert other.read(life.read(peer)) == b""
    client.proceed()
    assert life.hear(peer, other, b"PONG\r\n") == b"PONG\r\n"


def test_a_prologue_that_leads_to_tls(life: TlsLife) -> None:
    """The hello comes with the header, in pieces."""
    seen = []

    def header(client: ClientConnection, data: bytes) -> int:
        end = data.find(b"\n") + 1
        if not end:
            return -1
        client.begin_prologue(sniff)
        return end

    def sniff(client: ClientConnection, data: bytes) -> int:
        seen.append(data[:1])
        client.start_tls(life.context)
        return 0

    for cut in (1, 5, 10, 300):
        client, peer, other = life.arrive(header)
        other.shake(b"")
        said = b"PROXY x\n" + other.take()
        peer.sendall(said[:cut])
        life.step()
        peer.sendall(said[cut:])
        life.shake(peer, other)
        peer.sendall(other.write(b"PING\r\n"))
        assert life.hear(peer, other, b"PONG\r\n") == b"PONG\r\n"
        assert client.tls.version == "1.3"
    assert set(seen) == {b"\x16"}


def test_tls_by_a_timer(life: TlsLife) -> None:
    """What the prologue has kept is the beginning of the handshake."""
    client, peer, other = life.arrive(lambda *_: -1)
    other.shake(b"")
    peer.sendall(other.take())
    life.step()
    client.start_tls(life.context)
    life.shake(peer, other)
    with pytest.raises(RuntimeError):
        client.start_tls(life.context)
    with pytest.raises(RuntimeError):
        client.begin_prologue(lambda *_: -1)


def test_it_does_not_begin_amid_the_protocol(life: TlsLife) -> None:
    client, peer, _ = life.arrive()
    peer.sendall(b"PING\r\nPIN")
    life.step()
    with pytest.raises(RuntimeError, match="the protocol has begun"):
        client.start_tls(life.context)


def test_a_close_amid_the_handshake(life: TlsLife) -> None:
    """Nothing is said in clear, and the thread may go on with its step."""
    client, peer, other = life.arrive()
    client.start_tls(life.context)
    client.send(b"-ERR 'too late'\r\n")
    other.shake(b"")
    peer.sendall(other.take())
    life.engine.turn()
    client.close(CloseReason.AUTHENTICATION_TIMEOUT)
    life.until(lambda: life.handler.closed)
    life.step()
    heard = life.read(peer)
    assert b"ERR" not in heard
    assert life.handler.secured == []
    assert life.handler.failed == []


def test_failures_are_told(life: TlsLife) -> None:
    client, peer, _ = life.arrive()
    client.start_tls(life.context)
    peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
    life.until(lambda: life.handler.closed)
    assert life.handler.failed == ["tls: first record does not look like a TLS handshake"]
    assert client.reason == CloseReason.TLS_HANDSHAKE_ERROR


@pytest.mark.parametrize(("said", "text"), [(b"", "EOF"), (b"\x16\x03", "unexpected EOF")])
def test_ends_of_file_are_told(life: TlsLife, said: bytes, text: str) -> None:
    client, peer, _ = life.arrive()
    client.start_tls(life.context)
    peer.sendall(said)
    life.step()
    peer.shutdown(socket.SHUT_WR)
    life.until(lambda: life.handler.closed)
    assert life.handler.failed == [text]


def test_a_failure_is_told_once(life: TlsLife) -> None:
    """Also if its alert cannot be sent."""
    client, peer, _ = life.arrive()
    client.start_tls(life.context)
    peer.sendall(b"\x80\x2e\x01\x00\x02")  # which is answered
    peer.close()
    life.until(lambda: life.handler.closed)
    assert life.handler.failed == ["tls: unsupported SSLv2 handshake received"]
    assert client.reason == CloseReason.TLS_HANDSHAKE_ERROR


def test_a_bug_of_the_handler_ends_one_connection(life: TlsLife) -> None:
    def bug(_: ClientConnection) -> None:
        raise ValueError("a bug")

    client, peer, other = life.arrive()
    client.start_tls(life.context)
    life.handler.when_secured = bug
    life.shake(peer, other)
    life.until(lambda: life.handler.closed)
    assert [str(each) for each in life.handler.bugs] == ["a bug"]
    life.handler.bugs.clear()


def test_a_receiver_that_is_cut_hears_no_goodbye(life: TlsLife) -> None:
    """A part of a record has left, and what followed would make no sense."""
    client, peer, other = life.arrive()
    client.start_tls(life.context)
    life.shake(peer, other)
    peer.sendall(other.write(b"CONNECT {}\r\nSUB a 1\r\n"))
    life.step()
    life.step()
    life.engine.max_pending = 100_000
    peer.sendall(other.write(b"PUB a 60000\r\n" + bytes(60_000) + b"\r\n"))
    life.step()
    peer.sendall(other.write(b"PUB a 60000\r\n" + bytes(60_000) + b"\r\n"))
    life.until(lambda: life.handler.closed)
    assert client.reason == CloseReason.SLOW_CONSUMER_PENDING_BYTES
    heard = bytearray()
    while part := life.read(peer):
        heard += part
    other.read(bytes(heard))  # whole records only, and no error


def test_frames_that_are_read_into_memory_of_their_own(life: TlsLife) -> None:
    """Much larger than a record, with something behind them."""
    client, peer, other = life.arrive()
    client.start_tls(life.context)
    life.shake(peer, other)
    body = bytes(range(256)) * 1000
    said = other.write(
        b"CONNECT {}\r\nSUB a 1\r\nPUB a %d\r\n" % len(body) + body + b"\r\nPING\r\n"
    )
    heard = bytearray()
    deadline = Deadline()
    while not heard.endswith(b"PONG\r\n"):
        deadline.check("all of it")
        if said:
            try:
                said = said[peer.send(said[:7777]) :]
            except BlockingIOError:
                pass
        life.step()
        heard += other.read(life.read(peer))
    assert heard == b"MSG a 1 %d\r\n%s\r\nPONG\r\n" % (len(body), body)
    assert client.pending_bytes == 0
