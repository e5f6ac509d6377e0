"""What arrives before the protocol begins: who gets it, and what becomes of the rest."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason

from tests.support.life import Life

Reader = Callable[[ClientConnection, bytes], int]
HEAD = b"PROXY something\r\n"
LIMIT = 65536 + 16


def arrive(life: Life, reader: Reader | None) -> tuple[ClientConnection, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    client = ClientConnection(life.engine, ours, "here", 1, life.account)
    if reader is not None:
        client.begin_prologue(reader)
    client.open()
    life.peers.append(theirs)
    return client, theirs


def heard(peer: socket.socket) -> bytes:
    try:
        return peer.recv(1 << 16)
    except BlockingIOError:
        return b""


def one_line(client: ClientConnection, data: bytes) -> int:
    """Takes a line, and ends the prologue."""
    end = data.find(b"\n") + 1
    if not end:
        return -1
    client.end_prologue()
    return end


@pytest.mark.parametrize("cut", [*range(1, len(HEAD) + 8), 1000])
def test_what_follows_is_the_protocols(life: Life, cut: int) -> None:
    client, peer = arrive(life, one_line)
    said = HEAD + b"CONNECT {}\r\nPING\r\n"
    for part in (said[:cut], said[cut:]):
        life.say(peer, part)
    assert heard(peer).endswith(b"PONG\r\n")
    assert not client.closing


def test_a_reader_gets_all_that_nobody_has_consumed(life: Life) -> None:
    seen = []

    def reader(_: ClientConnection, data: bytes) -> int:
        seen.append(data)
        return 2 if data == b"abcd" else -1

    _, peer = arrive(life, reader)
    life.say(peer, b"abc")
    life.say(peer, b"d")
    life.say(peer, b"e")
    assert seen == [b"abc", b"abcd", b"cd", b"cde"]


def test_one_prologue_after_the_other(life: Life) -> None:
    def second(client: ClientConnection, data: bytes) -> int:
        assert data.startswith(b"two")
        return one_line(client, data)

    def first(client: ClientConnection, data: bytes) -> int:
        client.begin_prologue(second)
        return data.index(b"\n") + 1

    _, peer = arrive(life, first)
    life.say(peer, b"one\ntwo\nPING\r\n")
    assert heard(peer).endswith(b"PONG\r\n")


def test_a_reader_that_takes_nothing_may_end_it(life: Life) -> None:
    def reader(client: ClientConnection, _: bytes) -> int:
        client.end_prologue()
        return 0

    _, peer = arrive(life, reader)
    life.say(peer, b"PING\r\n")
    assert heard(peer).endswith(b"PONG\r\n")


def test_it_may_be_ended_later_with_what_has_been_kept(life: Life) -> None:
    """By a timer, that is."""
    client, peer = arrive(life, lambda *_: -1)
    life.say(peer, b"PING\r\nPI")
    assert heard(peer) == b""
    client.end_prologue()
    client.end_prologue()  # once more means nothing
    life.engine.turn()
    life.say(peer, b"NG\r\n")
    assert heard(peer).count(b"PONG\r\n") == 2


def test_it_may_be_ended_before_anything_came(life: Life) -> None:
    client, peer = arrive(life, lambda *_: -1)
    client.end_prologue()
    life.say(peer, b"PING\r\n")
    assert heard(peer).endswith(b"PONG\r\n")


def test_output_leaves_at_once(life: Life) -> None:
    client, peer = arrive(life, lambda *_: -1)
    client.send(b"INFO {}\r\n")
    life.finish()
    assert heard(peer) == b"INFO {}\r\n"


def test_a_pause_holds_what_is_given_back(life: Life) -> None:
    def reader(client: ClientConnection, data: bytes) -> int:
        client.hold()
        return one_line(client, data)

    client, peer = arrive(life, reader)
    life.say(peer, HEAD + b"PING\r\n")
    assert heard(peer) == b""
    client.proceed()
    life.engine.turn()
    life.finish()
    assert heard(peer).endswith(b"PONG\r\n")


def test_a_reader_may_close(life: Life) -> None:
    def reader(client: ClientConnection, _: bytes) -> int:
        client.close(CloseReason.PROTOCOL_VIOLATION)
        return -1

    client, peer = arrive(life, reader)
    life.say(peer, b"x")
    assert life.handler.closed == [client.cid]
    assert client.reason == CloseReason.PROTOCOL_VIOLATION


def test_an_error_of_a_reader_ends_only_its_connection(life: Life) -> None:
    def reader(_: ClientConnection, __: bytes) -> int:
        raise ValueError("a bug")

    client, peer = arrive(life, reader)
    life.say(peer, b"x")
    assert [str(bug) for bug in life.handler.bugs] == ["a bug"]
    assert life.handler.closed == [client.cid]
    life.handler.bugs.clear()


def test_an_end_of_file(life: Life) -> None:
    client, peer = arrive(life, lambda *_: -1)
    life.say(peer, b"x")
    peer.shutdown(socket.SHUT_WR)
    life.engine.turn()
    assert client.reason == CloseReason.CLIENT_CLOSED


def test_what_is_kept_is_bounded(life: Life) -> None:
    sizes = []

    def reader(_: ClientConnection, data: bytes) -> int:
        sizes.append(len(data))
        return -1

    client, peer = arrive(life, reader)
    for _ in range(20):
        if not client.closing:
            life.say(peer, bytes(8192))
    assert client.closing
    assert max(sizes) <= LIMIT


def test_plain_connections_have_none(life: Life) -> None:
    client, peer = arrive(life, None)
    life.say(peer, b"PING\r\n")
    assert heard(peer).endswith(b"PONG\r\n")
    assert not client.secured
    assert not client.securing
    assert client.tls is None
