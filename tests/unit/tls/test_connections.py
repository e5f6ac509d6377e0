"""Clients of Python's `ssl` and a server, over sockets."""

from __future__ import annotations

import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from pynats_server.core.reasons import CloseReason
from pynats_server.threaded import ThreadedServer
from pynats_server.tls.engine import Engine

from tests.support.authorities import Authority, Certificate
from tests.support.deadline import Deadline, wait_until
from tests.support.tls import TLS_1_2, PythonClient, TlsPlan, client_context
from tests.support.tls_server import TlsClient, dial, tls_server


@pytest.fixture
def running(engine: Engine, plan: TlsPlan) -> Iterator[ThreadedServer]:
    with tls_server(engine, plan) as server:
        yield server


def closed_for(running: ThreadedServer) -> dict[CloseReason, int]:
    return dict(running.server.state.closed_for)


def await_closed(running: ThreadedServer, reason: CloseReason, count: int) -> None:
    wait_until(lambda: closed_for(running).get(reason, 0) >= count, f"{count} closed for {reason}")


def message(body: bytes) -> bytes:
    return b"MSG foo 1 %d\r\n%s\r\n" % (len(body), body)


def publish(body: bytes) -> bytes:
    return b"PUB foo %d\r\n%s\r\n" % (len(body), body)


def test_messages_of_all_sizes(running: ThreadedServer, authority: Authority) -> None:
    chance = random.Random(1)
    with TlsClient(running, authority) as one, TlsClient(running, authority) as other:
        other.send(b"SUB foo 1\r\n")
        other.fence()
        for size in (1, 100, 2048, 16_384, 20_000, 98_304, 300_000, 1 << 20):
            body = chance.randbytes(size)
            one.send(publish(body))
            assert other.exactly(len(message(body))) == message(body)


def test_tls_1_2(running: ThreadedServer, authority: Authority) -> None:
    context = client_context(authority)
    context.maximum_version = TLS_1_2
    with TlsClient(running, authority, context) as client:
        client.send(b"SUB foo 1\r\n" + publish(bytes(100_000)))
        assert client.exactly(len(message(bytes(100_000)))) == message(bytes(100_000))


def test_many_small_messages_in_one_go(running: ThreadedServer, authority: Authority) -> None:
    count = 30_000
    with TlsClient(running, authority) as one, TlsClient(running, authority) as other:
        other.send(b"SUB foo 1\r\n")
        other.fence()
        thread = threading.Thread(target=one.send, args=(publish(b"hello") * count,))
        thread.start()
        assert other.exactly(len(message(b"hello")) * count) == message(b"hello") * count
        thread.join()


def test_one_publisher_and_many_subscribers(running: ThreadedServer, authority: Authority) -> None:
    body = bytes(range(256)) * 40
    others = [TlsClient(running, authority) for _ in range(10)]
    with TlsClient(running, authority) as one:
        for other in others:
            other.send(b"SUB foo 1\r\n")
            other.fence()
        for _ in range(20):
            one.send(publish(body))
        for other in others:
            assert other.exactly(len(message(body)) * 20) == message(body) * 20
            other.socket.close()


def test_commands_in_single_bytes(running: ThreadedServer, authority: Authority) -> None:
    with TlsClient(running, authority) as client:
        for byte in b"SUB foo 1\r\nPUB foo 3\r\nabc\r\n":
            client.send(bytes([byte]))
        assert client.expect(b"abc\r\n") == message(b"abc")


def test_what_comes_with_the_last_of_the_handshake(
    running: ThreadedServer, authority: Authority
) -> None:
    """The commands are in the same segment, and the client waits for the answer."""
    sock = dial(running)
    client = PythonClient(authority)
    client.shake(b"")
    sock.sendall(client.take())
    while not client.shake(sock.recv(1 << 16)):
        pass
    client.tls.write(b"CONNECT {}\r\nPING\r\n")
    sock.sendall(client.take())
    heard = b""
    while b"PONG\r\n" not in heard:
        heard += client.read(sock.recv(1 << 16))
    sock.close()


def test_a_receiver_that_is_slow_loses_nothing(
    running: ThreadedServer, authority: Authority
) -> None:
    """Its socket is full again and again, and its publisher is held back."""
    body = random.Random(2).randbytes(50_000)
    count = 200
    with (
        TlsClient(running, authority) as one,
        TlsClient(running, authority, rcvbuf=4096) as other,
    ):
        other.send(b"SUB foo 1\r\n")
        other.fence()
        thread = threading.Thread(target=one.send, args=(publish(body) * count,))
        thread.start()
        for _ in range(count):
            assert other.exactly(len(message(body))) == message(body)
        thread.join()


def test_a_receiver_that_does_not_read_is_cut(
    engine: Engine, plan: TlsPlan, authority: Authority
) -> None:
    body = bytes(60_000)
    with (
        tls_server(engine, plan, max_pending=2_000_000) as running,
        TlsClient(running, authority) as one,
        TlsClient(running, authority, rcvbuf=4096) as deaf,
        TlsClient(running, authority) as other,
    ):
        for each in (deaf, other):
            each.send(b"SUB foo 1\r\n")
            each.fence()
        deadline = Deadline()
        while not closed_for(running).get(CloseReason.SLOW_CONSUMER_PENDING_BYTES):
            one.send(publish(body))
            assert other.exactly(len(message(body))) == message(body)
            deadline.check("the deaf one is cut")
        one.fence()  # nobody else minds


def test_pending_bytes_are_counted(running: ThreadedServer, authority: Authority) -> None:
    with (
        TlsClient(running, authority) as one,
        TlsClient(running, authority, rcvbuf=4096) as deaf,
    ):
        deaf.send(b"SUB foo 1\r\n")
        deaf.fence()
        state = running.server.state
        one.send(publish(bytes(60_000)) * 150)
        one.fence()
        pending = max(client.pending_bytes for client in state.clients())
        assert pending > 1_000_000
        # When it reads again, all of it comes.
        size = len(message(bytes(60_000)))
        for _ in range(150):
            assert deaf.exactly(size) == message(bytes(60_000))
        wait_until(
            lambda: all(client.pending_bytes == 0 for client in state.clients()), "all is sent"
        )


# --- those who do not speak TLS, or stop in the middle ---


def test_plain_text_is_not_answered(running: ThreadedServer, authority: Authority) -> None:
    with dial(running) as sock:
        sock.sendall(b"CONNECT {}\r\nPING\r\n")
        assert sock.recv(100) == b""
    await_closed(running, CloseReason.TLS_HANDSHAKE_ERROR, 1)


def test_a_record_that_is_no_handshake_gets_an_alert(
    running: ThreadedServer, authority: Authority
) -> None:
    with dial(running) as sock:
        sock.sendall(b"\x16\x03\x01\x00\x20" + b"x" * 32)
        assert sock.recv(100)[:1] == b"\x15"
        assert sock.recv(100) == b""
    await_closed(running, CloseReason.TLS_HANDSHAKE_ERROR, 1)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_ends_at_every_stage(running: ThreadedServer, authority: Authority, reset: bool) -> None:
    client = PythonClient(authority)
    client.shake(b"")
    hello = client.take()
    stages = [b"", hello[:1], hello[:3], hello[: len(hello) // 2], hello]
    for said in stages:
        sock = dial(running)
        sock.sendall(said)
        _end(sock, reset)
    await_closed(running, CloseReason.TLS_HANDSHAKE_ERROR, len(stages))
    for said in (b"", b"PUB foo 10\r\nabc", b"PUB foo 100000\r\n" + bytes(50_000)):
        other = TlsClient(running, authority)
        if said:
            other.send(said)
        _end(other.socket, reset)
    wait_until(lambda: not running.server.state.clients(), "all are gone")
    with TlsClient(running, authority) as last:
        last.fence()


def _end(sock: socket.socket, reset: bool) -> None:
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_goodbye_is_answered(running: ThreadedServer, authority: Authority) -> None:
    with TlsClient(running, authority) as client:
        client.send(b"SUB foo 1\r\nPUB foo 1\r\nx\r\n")
        assert client.expect(b"x\r\n") == message(b"x")
        client.socket.unwrap()
    await_closed(running, CloseReason.CLIENT_CLOSED, 1)


def test_the_server_says_goodbye(running: ThreadedServer, authority: Authority) -> None:
    with TlsClient(running, authority) as client:
        client.send(b"NONSENSE\r\n")
        assert client.expect(b"\r\n") == b"-ERR 'Unknown Protocol Operation'\r\n"
        # Without a goodbye this would be an SSLEOFError.
        assert client.socket.recv(100) == b""


def test_damaged_records_end_it(running: ThreadedServer, authority: Authority) -> None:
    sock = dial(running)
    client = PythonClient(authority)
    client.shake(b"")
    sock.sendall(client.take())
    while not client.shake(sock.recv(1 << 16)):
        pass
    sock.sendall(client.take())
    good, bad = client.write(b"PING\r\n"), bytearray(client.write(b"PING\r\n"))
    bad[-1] ^= 1
    sock.sendall(good + bytes(bad))
    heard = b""
    while part := sock.recv(1 << 16):
        heard += part
    with pytest.raises(Exception, match=r"(?i)alert bad record mac"):
        assert b"PONG" in client.read(heard)
        client.tls.read(1)
    await_closed(running, CloseReason.READ_ERROR, 1)
    sock.close()


def test_refused_certificates(
    engine: Engine, verifying: TlsPlan, authority: Authority, client_certificate: Certificate,
    tmp_path: object,
) -> None:  # fmt: skip
    with tls_server(engine, verifying) as running:
        context = client_context(authority, client_certificate, tmp_path)  # type: ignore[arg-type]
        with TlsClient(running, authority, context):
            [client] = running.server.state.clients()
            assert client.tls.sent[0] == client_certificate.der
            assert client.tls.verified == (client_certificate.der, authority.der)
        sock = client_context(authority).wrap_socket(dial(running), server_hostname="localhost")
        with pytest.raises(Exception, match=r"(?i)alert certificate required"):
            sock.recv(1)
        sock.close()
        await_closed(running, CloseReason.TLS_HANDSHAKE_ERROR, 1)


# --- many ---


def test_two_hundred_at_once(running: ThreadedServer, authority: Authority) -> None:
    """All begin together, and the handshakes happen in threads."""
    count = 200
    context = client_context(authority)
    selector = selectors.DefaultSelector()
    clients = []
    for _ in range(count):
        sock = dial(running)
        client = PythonClient(authority, context=context)
        client.shake(b"")
        clients.append((sock, client))
    for sock, client in clients:
        sock.sendall(client.take())
        selector.register(sock, selectors.EVENT_READ, client)
    ready = 0
    deadline = Deadline(60)
    while ready < count:
        deadline.check(f"{count} handshakes")
        for key, _ in selector.select(1):
            client = key.data
            data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
            assert data
            if client.shake(data):
                client.tls.write(b"CONNECT {}\r\nPING\r\n")
                selector.unregister(key.fileobj)
                ready += 1
            key.fileobj.sendall(client.take())  # type: ignore[union-attr]
    for sock, client in clients:
        heard = b""
        while b"PONG\r\n" not in heard:
            heard += client.read(sock.recv(1 << 16))
        sock.close()
    assert "tls" in _names()  # where they were done


def _names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_who_only_connects_is_no_burden(running: ThreadedServer, authority: Authority) -> None:
    """Nobody waits for them, and they go when the server stops."""
    silent = [dial(running) for _ in range(50)]
    begun = time.monotonic()
    with TlsClient(running, authority) as client:
        client.fence()
    assert time.monotonic() - begun < 20
    for sock in silent:
        sock.close()
    await_closed(running, CloseReason.TLS_HANDSHAKE_ERROR, 50)


def test_the_server_stops_amid_handshakes(
    engine: Engine, plan: TlsPlan, authority: Authority
) -> None:
    socks = []
    with tls_server(engine, plan) as running:
        for _ in range(50):
            sock = dial(running)
            client = PythonClient(authority)
            client.shake(b"")
            sock.sendall(client.take())
            socks.append(sock)
    for sock in socks:
        sock.close()
    wait_until(lambda: "tls" not in _names(), "the threads have ended")
