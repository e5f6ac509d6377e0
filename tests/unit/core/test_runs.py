"""Runs: equal-sized messages with one control line, delivered as blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.options import LogOptions, Options
from pynats_server.threaded import ThreadedServer

from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.raw import RawClient

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n'
OLD_CLIENT = CONNECT.replace(b"true", b"false")  # understands no headers
HEADER = b"NATS/1.0\r\nTrace-Id: 0123456789\r\n\r\n"


@pytest.fixture(scope="module")
def threaded() -> Iterator[ThreadedServer]:
    with ThreadedServer() as server:
        yield server


def _bodies(count: int, size: int) -> list[bytes]:
    """Bodies of one size that contain their number, if it fits."""
    return [(b"%d" % number).zfill(size)[:size] for number in range(count)]


def _published(subject: bytes, bodies: list[bytes], header: bytes) -> bytes:
    if not header:
        return b"".join(b"PUB %b %d\r\n%b\r\n" % (subject, len(body), body) for body in bodies)
    return b"".join(
        b"HPUB %b %d %d\r\n%b%b\r\n" % (subject, len(header), len(header + body), header, body)
        for body in bodies
    )


def _delivered(subject: bytes, sid: bytes, bodies: list[bytes], header: bytes) -> bytes:
    if not header:
        return b"".join(
            b"MSG %b %b %d\r\n%b\r\n" % (subject, sid, len(body), body) for body in bodies
        )
    return b"".join(
        b"HMSG %b %b %d %d\r\n%b%b\r\n"
        % (subject, sid, len(header), len(header + body), header, body)
        for body in bodies
    )


def _client(
    stack: ExitStack, port: int, commands: bytes = b"", rcvbuf: int | None = None
) -> RawClient:
    """Connected, with `commands` carried out."""
    client = stack.enter_context(RawClient(port, timeout_s=PATIENCE_S, rcvbuf=rcvbuf))
    client.send((b"" if commands.startswith(b"CONNECT") else CONNECT) + commands)
    client.fence()
    assert not client.timed_out
    return client


def _subscriber(
    stack: ExitStack, port: int, commands: bytes, rcvbuf: int | None = None
) -> RawClient:
    """Like `_client`, but `received` has only deliveries from now on."""
    client = _client(stack, port, commands, rcvbuf)
    client.received.clear()
    return client


def _read(client: RawClient, length: int) -> None:
    while len(client.received) < length and client.read_some(PATIENCE_S):
        pass


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    subject=st.sampled_from([b"a", b"run.subject", b"s" * 60]),
    sids=st.lists(
        st.sampled_from([b"1", b"2", b"17", b"99", b"sid-of-some-length", b"x" * 64, b"y" * 70]),
        min_size=1,
        max_size=6,
    ),
    count=st.sampled_from([3, 20, 400, 3000]),
    size=st.sampled_from([0, 1, 16, 128, 700, 2047]),
    header=st.sampled_from([b"", HEADER]),
)
def test_every_receiver_gets_the_run_under_its_own_sid(
    threaded: ThreadedServer,
    subject: bytes,
    sids: list[bytes],
    count: int,
    size: int,
    header: bytes,
) -> None:
    port = threaded.server.client_port
    engine = threaded.server.state.engine
    bodies = _bodies(count, size)
    with ExitStack() as stack:
        receivers = [_subscriber(stack, port, b"SUB %b %b\r\n" % (subject, sid)) for sid in sids]
        publisher = _client(stack, port)
        before = engine.out_msgs, engine.out_bytes
        publisher.send(_published(subject, bodies, header), pongs=0)
        publisher.fence()
        for sid, receiver in zip(sids, receivers, strict=True):
            wanted = _delivered(subject, sid, bodies, header)
            _read(receiver, len(wanted))
            assert receiver.received == wanted
        assert engine.out_msgs - before[0] == count * len(sids)
        assert engine.out_bytes - before[1] == count * (size + len(header)) * len(sids)


def test_an_old_client_gets_runs_without_their_headers(threaded: ThreadedServer) -> None:
    port = threaded.server.client_port
    bodies = _bodies(500, 40)
    with ExitStack() as stack:
        new = _subscriber(stack, port, b"SUB mixed 1\r\n")
        old = _subscriber(stack, port, OLD_CLIENT + b"SUB mixed 1\r\n")
        publisher = _client(stack, port)
        publisher.send(_published(b"mixed", bodies, HEADER))
        publisher.fence()
        for receiver, header in ((new, HEADER), (old, b"")):
            wanted = _delivered(b"mixed", b"1", bodies, header)
            _read(receiver, len(wanted))
            assert receiver.received == wanted


def test_a_receiver_that_stands_still_gets_all_of_it_later() -> None:
    bodies = _bodies(20_000, 200)
    with ThreadedServer() as threaded, ExitStack() as stack:
        port = threaded.server.client_port
        slow = _subscriber(stack, port, b"SUB still 7\r\n", rcvbuf=4096)
        quick = _subscriber(stack, port, b"SUB still 7\r\n")
        publisher = _client(stack, port)
        publisher.send(_published(b"still", bodies, b""))
        wanted = _delivered(b"still", b"7", bodies, b"")
        for receiver in (quick, slow):
            _read(receiver, len(wanted))
            assert receiver.received == wanted


def test_a_backlog_beyond_the_limit_cuts_this_receiver_only() -> None:
    limit = 1 << 20
    options = Options(host="127.0.0.1", port=-1, max_pending=limit, log=LogOptions())
    bodies = _bodies(100_000, 200)
    with ThreadedServer(options) as threaded, ExitStack() as stack:
        port = threaded.server.client_port
        engine = threaded.server.state.engine
        slow = _subscriber(stack, port, b"SUB cut 1\r\n", rcvbuf=4096)
        publisher = _client(stack, port)
        quick = _subscriber(stack, port, b"SUB cut 1\r\n")
        # They read in turns, so the quick one's backlog stays far below the limit.
        wanted = _delivered(b"cut", b"1", bodies, b"")
        for first in range(0, len(bodies), 1000):
            publisher.send(_published(b"cut", bodies[first : first + 1000], b""))
            _read(quick, len(wanted) // len(bodies) * (first + 1000))
        assert quick.received == wanted
        wait_until(lambda: engine.slow_consumers == 1, "the slow consumer to be noticed")
        assert slow.read_to_end(PATIENCE_S)
