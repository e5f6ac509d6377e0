"""Loads against scripted peers: what is sent, and that every kind of failure is noticed."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pynats_bench.engine.relay import relay
from pynats_bench.load import PubSubSession, RequestSession, build_block, shuffled
from pynats_bench.model import Endpoint, LoadError, PubSubLoad, RequestLoad

from tests.support.deadline import PATIENCE_S
from tests.support.process import lasting_port

Script = Callable[[socket.socket], None]


@contextmanager
def scripted_server(*scripts: Script) -> Iterator[Endpoint]:
    """A loopback listener that runs one script per connection, in order of arrival."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)

        def serve() -> None:
            for script in scripts:
                link, _ = listener.accept()
                link.settimeout(PATIENCE_S)
                threads.append(threading.Thread(target=_play, args=(script, link), daemon=True))
                threads[-1].start()

        threads = [threading.Thread(target=serve, daemon=True)]
        threads[0].start()
        yield Endpoint("127.0.0.1", listener.getsockname()[1])
        for thread in threads:
            thread.join(PATIENCE_S)


def _play(script: Script, link: socket.socket) -> None:
    with link:
        try:
            script(link)
        except OSError:
            pass


def answer_pings(link: socket.socket, times: int) -> None:
    """Read until `times` PINGs have been answered."""
    data = b""
    while times:
        chunk = link.recv(65_536)
        if not chunk:
            return
        data += chunk
        while times and b"PING\r\n" in data:
            data = data.partition(b"PING\r\n")[2]
            link.sendall(b"PONG\r\n")
            times -= 1


def hang_up_after_handshake(link: socket.socket) -> None:
    answer_pings(link, 1)


def subscriber_that_gets(data: bytes) -> Script:
    def script(link: socket.socket) -> None:
        answer_pings(link, 2)  # handshake, subscriptions
        link.sendall(data)
        answer_pings(link, 1)  # flush
        link.recv(1)

    return script


def publisher_peer(link: socket.socket) -> None:
    answer_pings(link, 2)  # handshake, flush
    link.recv(1)


MESSAGE = b"MSG bench 1 3\r\nxxx\r\n"


def test_frames_follow_the_protocol_and_the_offsets_their_ends() -> None:
    block, ends = build_block(PubSubLoad(5, ("a", "b.c"), header=b"NATS/1.0\r\n\r\n"))
    assert block.startswith(b"HPUB a 12 17\r\nNATS/1.0\r\n\r\nxxxxx\r\nHPUB b.c 12 17\r\n")
    assert ends[-1] == len(block) and len(ends) == len(re.findall(b"HPUB ", block))
    assert all(block[end - 2 : end] == b"\r\n" for end in ends)


def test_shuffled_subjects_are_reproducible() -> None:
    assert shuffled("abc", 50) == shuffled("abc", 50)
    assert set(shuffled("abc", 50)) == set("abc")


def test_a_complete_run_is_counted() -> None:
    with (
        scripted_server(subscriber_that_gets(MESSAGE * 10), publisher_peer) as endpoint,
        PubSubSession(endpoint, PubSubLoad(3)) as session,
    ):
        result = session.run(10)
    assert (result.published, result.delivered) == (10, 10)
    assert result.seconds > 0


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (MESSAGE * 9, "received 9 of 10"),
        (MESSAGE * 11, "received 11 of 10"),
        (MESSAGE * 9 + b"MSG bench 1 4\r\nxxxx\r\n", "payloads of 31 bytes"),
        (MESSAGE * 9 + b"-ERR 'Slow Consumer'\r\n", "Slow Consumer"),
        (MESSAGE * 9 + b"MSG bench 1 3\r\nxxxx\r\n", "MSG bench"),
    ],
)
def test_what_did_not_arrive_as_published_is_an_error(received: bytes, reason: str) -> None:
    with scripted_server(subscriber_that_gets(received), publisher_peer) as endpoint:
        session = PubSubSession(endpoint, PubSubLoad(3), stall_s=0.2)
        with session, pytest.raises(LoadError, match=reason):
            session.run(10)


def test_a_publisher_cut_off_is_an_error() -> None:
    with (
        scripted_server(hang_up_after_handshake) as endpoint,
        PubSubSession(endpoint, PubSubLoad(3, subscribers=0)) as session,
        pytest.raises(LoadError, match=r"closed|reset|pipe"),
    ):
        session.run(1_000_000)


def test_a_refused_handshake_gives_the_servers_reason() -> None:
    def refuse(link: socket.socket) -> None:
        link.sendall(b"INFO {}\r\n-ERR 'Authorization Violation'\r\n")
        link.recv(65_536)

    with (
        scripted_server(refuse) as endpoint,
        pytest.raises(LoadError, match="Authorization Violation"),
        PubSubSession(endpoint, PubSubLoad(3, subscribers=0)),
    ):
        pass


def test_an_unreachable_server_is_named() -> None:
    port = lasting_port()  # nobody's
    with (
        pytest.raises(LoadError, match=f"127.0.0.1:{port}"),
        RequestSession(Endpoint("127.0.0.1", port), RequestLoad()),
    ):
        pass


def test_no_responders_is_an_error() -> None:
    def requester(link: socket.socket) -> None:
        answer_pings(link, 2)
        link.sendall(b"HMSG _INBOX.bench.0 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")
        link.recv(1)

    def responder(link: socket.socket) -> None:
        answer_pings(link, 2)
        link.recv(1)

    with (
        scripted_server(responder, requester) as endpoint,
        RequestSession(endpoint, RequestLoad()) as session,
        pytest.raises(LoadError, match="no responders"),
    ):
        session.run(1)


def test_a_password_is_not_in_the_repr() -> None:
    assert "hush" not in repr(Endpoint("h", 1, "user", "hush"))


@pytest.mark.parametrize("payload", [-1, 1_000_000])
def test_requests_have_a_size_limit(payload: int) -> None:
    with pytest.raises(ValueError, match="at most"):
        RequestLoad(payload_bytes=payload)


def test_verification_needs_room_for_the_stamp() -> None:
    session = PubSubSession(Endpoint("127.0.0.1", 1), PubSubLoad(7))
    with pytest.raises(ValueError, match="8 bytes"):
        session.run(1, verify=True)


def test_the_relay_moves_every_byte() -> None:
    left, source = socket.socketpair()
    sink, right = socket.socketpair()
    data = bytes(range(256)) * 40
    with left, source, sink, right:
        left.sendall(data)
        left.shutdown(socket.SHUT_WR)
        assert relay(source.fileno(), sink.fileno()) == len(data)
        assert right.recv(len(data), socket.MSG_WAITALL) == data
