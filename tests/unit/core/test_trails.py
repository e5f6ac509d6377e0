"""What a traced message tells of receivers that do not get it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynats_server.core.client import ClientConnection
from pynats_server.core.tracing.request import Parents, w3c_sampled
from pynats_server.core.tracing.trail import Trail

from tests.support.life import Life

TRACED = b"NATS/1.0\r\nNats-Trace-Dest: traces\r\n\r\n"
ONLY = TRACED[:-2] + b"Nats-Trace-Only: 1\r\n\r\n"
KEPT = 131_072  # as docs/reference/behaviour.md says
MAX_PENDING = 1 << 20
BACKLOG = MAX_PENDING * 7 // 8
MUCH = b"PUB x %d\r\n%b\r\n" % (BACKLOG, b"x" * BACKLOG)


class Traced(Life):
    """An engine whose traces are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.engine.max_pending = MAX_PENDING
        self.trails: list[Trail] = []
        self.handler.on_traced = self._on_traced  # type: ignore[attr-defined]

    def _on_traced(self, _: ClientConnection, trail: Trail) -> None:
        self.trails.append(trail)

    def errors(self) -> list[bytes | None]:
        """Of each event of the last trace."""
        return [event[-1] for event in self.trails[-1].events]


@pytest.fixture
def life() -> Iterator[Traced]:
    life = Traced()
    yield life
    life.end()


def publish(block: bytes, size: int = 0) -> bytes:
    head = b"HPUB x %d %d\r\n" % (len(block), len(block) + size)
    return head + block + b"x" * size + b"\r\n"


def test_a_receiver_that_would_stall_its_producers_loses_the_message(life: Traced) -> None:
    life.engine.stall_producers = False
    life.client(b"SUB x 1\r\n")
    producer = life.client()
    life.say(producer, publish(TRACED))
    assert life.errors() == [None]
    life.say(producer, MUCH)
    for block in TRACED, ONLY:
        life.say(producer, publish(block))
        assert life.errors() == [
            b"Not delivered because fast producer not stalled and consumer is slow"
        ]


def test_a_receiver_that_is_cut_does_not_get_it(life: Traced) -> None:
    life.client(b"SUB x 1\r\n")
    producer = life.client()
    life.say(producer, MUCH)
    life.say(producer, publish(ONLY, MAX_PENDING // 4))
    assert life.errors() == [None]
    assert life.handler.slow == 0
    life.say(producer, publish(TRACED, MAX_PENDING // 4))
    assert life.errors() == [b"Not delivered because client is closed"]
    assert life.handler.slow == 1


def test_what_is_only_traced_counts_for_no_limit_of_a_subscription(life: Traced) -> None:
    life.client(b"SUB x 1\r\nUNSUB 1 1\r\n")
    producer = life.client()
    for block, errors in (ONLY, [None]), (ONLY, [None]), (TRACED, [None]), (TRACED, []):
        life.say(producer, publish(block))
        assert life.errors() == errors


def test_a_service_of_the_server_runs_even_for_what_is_only_traced(life: Traced) -> None:
    taken: list[bytes] = []
    life.account.subscribe(b"x", lambda *message: taken.append(message[3]))
    life.say(life.client(), publish(ONLY) + publish(TRACED))
    assert taken == [ONLY, TRACED]
    assert life.errors() == []


def test_reading_long_headers_is_counted(life: Traced) -> None:
    life.account.trace(Parents(b"traces", 100))
    producer = life.client()
    many = b"".join(b"a%d:b\r\n" % number for number in range(50_000))
    for name in b"Nats-Trace-Dest: trace disabled", b"traceparent: a-b-c-00", TRACED[10:-4]:
        block = b"NATS/1.0\r\n%b\r\n%b\r\n" % (name, many)
        before = life.engine.steps
        life.say(producer, publish(block))
        assert life.engine.steps - before >= len(block) >> 6
    assert len(life.trails) == 1
    assert life.trails[0].block == block


def test_events_of_a_message_are_bounded(life: Traced) -> None:
    life.say(life.client(), publish(TRACED))
    for _ in range(KEPT + 5):
        life.trails[0].stream("S", b"", False, "")
    assert len(life.trails[0].events) == KEPT


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (b"A: 1\r\n\r\n", b"A: 1\r\n"),
        (b"A: 1", b"A: 1\r\n"),
        (b"A: 1\r\n\r\nB: 2\r\n", b"A: 1\r\nB: 2\r\n"),
        (b"A: 1\rB\r\nNats-Trace-Dest: y\r\nC: 3\n4\r", b"A: 1\rB\r\nC: 3\n4\r\r\n"),
    ],
)
def test_what_is_traced_elsewhere_asks_for_no_trace_here(
    life: Traced, lines: bytes, kept: bytes
) -> None:
    head = b"NATS/1.0\r\nNats-Trace-Dest: traces\r\nNats-Trace-Origin-Account: B\r\n"
    taken: list[bytes] = []
    life.account.subscribe(b"x", lambda *message: taken.append(message[3] + message[4]))
    life.say(life.client(), publish(head + lines, 3))
    told = b"NATS/1.0\r\nNats-Trace-Origin-Account: B\r\n" + kept
    assert taken == [told + b"Nats-Trace-Dest: trace disabled\r\n\r\nxxx"]
    assert life.trails == []


def test_a_message_without_the_header_leaves_no_trail(life: Traced) -> None:
    life.client(b"SUB x 1\r\n")
    producer = life.client()
    for name in b"Nats-Trace-Dests", b"XNats-Trace-Dest", b"nats-trace-dest", b"traceparent":
        life.say(producer, publish(b"NATS/1.0\r\n%b: x-y-z-01\r\n\r\n" % name) * 3)
    assert life.trails == []


@pytest.mark.parametrize("flags", ["01", "03", "7f", "7F", "+1", "0d"])
def test_flags_of_the_sampled(flags: str) -> None:
    assert w3c_sampled(f"00-a-b-{flags}".encode())


@pytest.mark.parametrize(
    "value",
    ["00-a-b-00", "00-a-b-02", "00-a-b-81", "00-a-b--1", "00-a-b- 1", "00-a-b-1 ", "00-a-b-1",
     "00-a-b-001", "a-b-01", "00-a-b-c-01", "", "---", "01", "00-a-b-0g", "00-a-b-\u0661\u0661"],
)  # fmt: skip
def test_flags_of_others(value: str) -> None:
    assert not w3c_sampled(value.encode())
