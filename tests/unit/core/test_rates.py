"""Limits of publishing: exact over any time, fair to those who share one; nothing is lost."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core.client import ClientConnection
from pynats_server.core.rates.limit import PublishLimit
from pynats_server.core.readiness.pacer import GRID_NS, Pacer
from pynats_server.core.reasons import CloseReason

from tests.support.life import Life, pub

SECOND = 1_000_000_000
# The steered clock begins far ahead of the machine's, which the engine looks at: so nothing passes
# by itself.
LATER = 1 << 60


class Steered:
    """A clock and its timers, which go on when a test says so."""

    def __init__(self) -> None:
        self.time = LATER
        self.due: list[tuple[int, Callable[[], object]]] = []

    def now(self) -> int:
        return self.time

    def after(self, delay_ns: int, work: Callable[[], object]) -> None:
        self.due.append((self.time + delay_ns, work))

    def go(self, ns: int) -> None:
        self.time += ns
        come = [work for at, work in self.due if at <= self.time]
        self.due = [(at, work) for at, work in self.due if at > self.time]
        for work in come:
            work()


def limit_of(clock: Steered, msgs: int = 0, size: int = 0, refuses: bool = False) -> PublishLimit:
    pacer: Any = clock
    return PublishLimit(pacer, msgs, size, refuses)


def client_of(life: Life, peer: socket.socket) -> ClientConnection:
    found = list(life.engine.connections.values())[life.peers.index(peer)]
    assert isinstance(found, ClientConnection)
    return found


def received(life: Life, peer: socket.socket) -> bytes:
    got = b""
    while True:
        life.engine.turn()
        life.finish()
        try:
            got += peer.recv(1 << 20)
        except BlockingIOError:
            return got


@pytest.fixture
def clock() -> Iterator[Steered]:
    yield Steered()


# --- how much passes ---


@given(
    msgs=st.integers(0, 2000),
    size=st.integers(0, 1 << 34).map(lambda n: min(n, 1 << 33)),
    steps=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 3 * SECOND), st.integers(0, 1000)),
            st.integers(0, 1 << 20),
            st.integers(0, 50),
        ),
        max_size=60,
    ),
)
def test_over_any_time_no_more_passes_than_the_rate_allows_and_what_was_saved(
    msgs: int, size: int, steps: list[tuple[int, int, int]]
) -> None:
    """And never less: a message that has waited as long as it was told passes."""
    limit = limit_of(Steered(), msgs, size)
    now, passed, total, largest = LATER, 0, 0, 0
    for wait, length, wanted in steps:
        now += wait
        count = min(wanted, limit.room(now, length))
        if count == 0 and wanted:
            delay = limit.delay_ns(length)
            assert delay > 0
            if delay < 1000 * SECOND:
                now += delay
                assert limit.room(now, length) >= 1
                count = 1
        limit.spend(count, length)
        passed += count
        total += count * length
        largest = max(largest, length)
        elapsed = now - LATER
        if msgs:
            assert passed * SECOND <= msgs * (elapsed + SECOND)
        if size:
            assert total * SECOND <= size * elapsed + max(size, largest) * SECOND


@given(st.integers(1, 5000), st.lists(st.integers(1, SECOND // 10), max_size=200))
def test_asking_often_loses_nothing(rate: int, waits: list[int]) -> None:
    often = limit_of(Steered(), rate)
    once = limit_of(Steered(), rate)
    for limit in (often, once):
        limit.spend(rate, 0)
    now = LATER
    for wait in waits:
        now += wait
        often.room(now, 0)
    assert often.room(now, 0) == once.room(now, 0)


def test_one_message_above_the_limit_of_bytes_passes_when_there_was_a_second_of_silence(
    clock: Steered,
) -> None:
    limit = limit_of(clock, size=1000)
    assert limit.room(LATER, 5000) == 1
    limit.spend(1, 5000)
    assert limit.room(LATER + SECOND, 1) == 0
    assert limit.room(LATER + 4 * SECOND, 1) == 0
    assert limit.room(LATER + 4 * SECOND + SECOND // 1000, 1) == 1


# --- throttled ---


def test_what_is_too_much_waits_and_all_of_it_arrives_in_order(life: Life, clock: Steered) -> None:
    taker = life.client(b"SUB x 1\r\nPING\r\n")
    giver = life.client()
    received(life, taker)
    client_of(life, giver).limit_publishing(limit_of(clock, 10), None)
    wanted = b"".join(pub(b"x", b"%03d" % n) for n in range(95))
    life.say(giver, wanted + b"PING\r\n")
    arrived = re.findall(rb"\r\n(\d{3})\r\n", received(life, taker))
    assert len(arrived) == 10
    rounds = 0
    while len(arrived) < 95:
        clock.go(SECOND // 2)
        new = re.findall(rb"\r\n(\d{3})\r\n", received(life, taker))
        assert 1 <= len(new) <= 5
        arrived += new
        rounds += 1
        assert b"PONG" not in received(life, giver) or len(arrived) == 95
    assert arrived == [b"%03d" % n for n in range(95)]
    assert rounds == 17
    assert client_of(life, giver).throttles == life.account.throttles == life.engine.throttles > 0
    assert life.handler.limited[0] is True


@pytest.mark.parametrize("changing", [False, True])
def test_runs_and_changing_subjects_count_like_single_messages(
    life: Life, clock: Steered, changing: bool
) -> None:
    taker = life.client(b"SUB run 1\r\nSUB all.> 2\r\nPING\r\n")
    giver = life.client()
    received(life, taker)
    client_of(life, giver).limit_publishing(limit_of(clock, 40), None)
    subjects = [b"all.%d.%d" % (n, n * 7) if changing else b"run" for n in range(100)]
    life.say(giver, b"".join(pub(subject, b"same") for subject in subjects))
    assert received(life, taker).count(b"MSG ") == 40
    clock.go(SECOND // 2)
    assert received(life, taker).count(b"MSG ") == 20
    clock.go(SECOND)
    assert received(life, taker).count(b"MSG ") == 40


def test_bytes_count_with_headers_and_without_control_lines(life: Life, clock: Steered) -> None:
    taker = life.client(b"SUB x 1\r\nPING\r\n")
    giver = life.client()
    received(life, taker)
    client_of(life, giver).limit_publishing(limit_of(clock, size=100), None)
    message = b"HPUB x 20 30\r\nNATS/1.0\r\nA: bcd\r\n\r\n0123456789\r\n"
    life.say(giver, message * 5)
    assert received(life, taker).count(b"0123456789") == 3
    clock.go(SECOND // 5)
    assert received(life, taker).count(b"0123456789") == 1
    clock.go(SECOND)
    assert received(life, taker).count(b"0123456789") == 1


def test_a_throttled_client_is_not_read_and_does_not_become_stale(
    life: Life, clock: Steered
) -> None:
    giver = life.client()
    client = client_of(life, giver)
    client.limit_publishing(limit_of(clock, 1), None)
    client.ping_interval_ns, client.ping_max = 1, 1
    life.say(giver, pub(b"x", b"") * 3)
    for _ in range(10):
        life.engine.tick()
        life.finish()
    assert not client.closing
    client.ping_interval_ns = 3600 * SECOND
    # The kernel's buffers fill, because nobody takes anything out of them.
    giver.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sent = 0
    with pytest.raises(BlockingIOError):
        while sent < 64 << 20:
            sent += giver.send(pub(b"x", b"y" * 1000) * 100)
            life.engine.turn()
            life.finish()


def test_what_was_sent_before_the_end_of_a_connection_still_arrives(
    life: Life, clock: Steered
) -> None:
    taker = life.client(b"SUB x 1\r\nPING\r\n")
    giver = life.client()
    received(life, taker)
    client_of(life, giver).limit_publishing(limit_of(clock, 2), None)
    life.say(giver, pub(b"x", b"") * 9)
    giver.close()
    count = 0
    for _ in range(20):
        count += received(life, taker).count(b"MSG ")
        clock.go(SECOND)
    assert count == 9
    received(life, taker)
    assert life.handler.closed == [2]


def test_those_who_share_a_limit_get_equal_parts(life: Life, clock: Steered) -> None:
    taker = life.client(b"SUB > 1\r\nPING\r\n")
    received(life, taker)
    shared = limit_of(clock, 120)
    givers = [life.client() for _ in range(4)]
    for number, giver in enumerate(givers):
        client_of(life, giver).limit_publishing(None, shared)
        # The first one sends far more than the others, and in other ways.
        life.say(giver, pub(b"g.%d" % number, b"x") * (2000 if number == 0 else 400))
    received(life, taker)
    counts = dict.fromkeys(range(4), 0)
    for _ in range(50):
        clock.go(SECOND // 10)
        for found in re.findall(rb"MSG g\.(\d)", received(life, taker)):
            counts[int(found)] += 1
    assert sum(counts.values()) == 600
    assert max(counts.values()) - min(counts.values()) <= 30


def test_one_message_now_and_then_does_not_wait_for_those_who_flood(
    life: Life, clock: Steered
) -> None:
    taker = life.client(b"SUB > 1\r\nPING\r\n")
    received(life, taker)
    shared = limit_of(clock, 1000)
    flooding = [life.client() for _ in range(3)]
    modest = life.client()
    for peer in (*flooding, modest):
        client_of(life, peer).limit_publishing(None, shared)
    for peer in flooding:
        life.say(peer, pub(b"flood", b"x") * 3000)
    received(life, taker)
    for _ in range(10):
        clock.go(GRID_NS)
        received(life, taker)
        life.say(modest, pub(b"modest", b"x"))
        clock.go(2 * GRID_NS)
        assert b"MSG modest" in received(life, taker)


def test_who_waits_and_leaves_keeps_nobody_waiting(life: Life, clock: Steered) -> None:
    taker = life.client(b"SUB > 1\r\nPING\r\n")
    received(life, taker)
    shared = limit_of(clock, size=1000)
    first, second = life.client(), life.client()
    for peer in (first, second):
        client_of(life, peer).limit_publishing(None, shared)
    life.say(second, pub(b"x", b"z" * 1000))
    life.say(first, pub(b"first", b"z" * 900))
    life.say(second, pub(b"second", b"z"))
    assert shared.waiting == 2
    life.say(first, b"")
    client_of(life, first).close(CloseReason.CLIENT_CLOSED)
    life.engine.turn()
    life.finish()
    assert shared.waiting == 1
    received(life, taker)
    clock.go(SECOND)
    got = received(life, taker)
    assert b"MSG second" in got
    assert b"MSG first" not in got


# --- changed ---


def test_a_change_counts_at_once(life: Life, clock: Steered) -> None:
    taker = life.client(b"SUB x 1\r\nPING\r\n")
    giver = life.client()
    received(life, taker)
    limit = limit_of(clock, 1)
    client = client_of(life, giver)
    client.limit_publishing(limit, None)
    life.say(giver, pub(b"x", b"") * 100)
    assert received(life, taker).count(b"MSG ") == 1
    limit.change(10, 0, False)
    assert received(life, taker).count(b"MSG ") == 0  # what was spent stays spent
    clock.go(SECOND)
    assert received(life, taker).count(b"MSG ") == 10
    client.limit_publishing(None, None)
    assert received(life, taker).count(b"MSG ") == 89
    assert limit.waiting == 0


# --- refused ---


def test_what_is_too_much_is_refused_and_the_rest_goes_on(life: Life, clock: Steered) -> None:
    taker = life.client(b"SUB x 1\r\nPING\r\n")
    giver = life.client(b"SUB inbox 7\r\nPING\r\n")
    received(life, taker)
    received(life, giver)
    client = client_of(life, giver)
    limit = limit_of(clock, 3, refuses=True)
    client.limit_publishing(limit, None)
    life.say(giver, pub(b"x", b"a") * 5 + pub(b"x", b"b", b"inbox") + b"PING\r\n")
    assert received(life, taker).count(b"MSG x") == 3
    refusal = b"-ERR 'Permissions Violation for Publish to \"x\", publish rate exceeded'\r\n"
    answer = b"NATS/1.0 503 Publish Rate Exceeded\r\nNats-Subject: x\r\n\r\n"
    assert received(life, giver) == (
        refusal * 3
        + b"HMSG inbox 7 %d %d\r\n%b\r\n" % (len(answer), len(answer), answer)
        + b"PONG\r\n"
    )
    assert client.refusals == life.account.refusals == life.engine.refusals == 3
    assert client.throttles == 0
    assert life.handler.limited == [False]
    assert limit.room(clock.now() + SECOND, 1) == 3
    life.say(giver, pub(b"x", b"c"))
    assert received(life, taker).count(b"MSG x") == 1


def test_a_limit_that_throttles_comes_before_one_that_refuses(life: Life, clock: Steered) -> None:
    taker = life.client(b"SUB x 1\r\nPING\r\n")
    giver = life.client()
    received(life, taker)
    client = client_of(life, giver)
    client.limit_publishing(limit_of(clock, 3), limit_of(clock, 2, refuses=True))
    life.say(giver, pub(b"x", b"a") * 5)
    assert received(life, taker).count(b"MSG x") == 2
    # Refused messages have taken nothing of the other limit.
    assert client.refusals == 3
    assert client.throttles == 0


# --- timers ---


def test_many_that_wait_share_a_timer(life: Life) -> None:
    pacer = life.engine.pacer
    assert isinstance(pacer, Pacer)
    called: list[int] = []
    before = len(life.loop.timers)
    for number in range(100):
        pacer.after(0, partial(called.append, number))
    assert len(life.loop.timers) - before <= 2
