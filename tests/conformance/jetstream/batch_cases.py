"""Batches as data: what is published into one stream, for comparing two servers.

The subjects of a stream are `s.>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A message. `reply` is put behind the inbox prefix of the connection; empty = none."""

    subject: str
    payload: bytes = b"x"
    headers: Headers = ()
    reply: str = "a"


@dataclass(frozen=True, slots=True)
class Configure:
    """Update the stream with these settings instead of the case's."""

    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BatchCase:
    """Steps are sent one after the other; a list is sent at once. `advisories` is how many of
    abandoned batches are waited for."""

    name: str
    config: dict[str, Any]
    steps: tuple[Part | list[Part] | Configure, ...]
    advisories: int = 0

    def __str__(self) -> str:
        return self.name


def part(
    batch: str,
    sequence: object,
    commit: str | None = None,
    *more: tuple[str, object],
    subject: str = "s.1",
    reply: str = "a",
    payload: bytes = b"x",
) -> Part:
    """A message of an atomic batch."""
    headers = [("Nats-Batch-Id", batch), ("Nats-Batch-Sequence", str(sequence))]
    if commit is not None:
        headers.append(("Nats-Batch-Commit", commit))
    headers += [(name, str(value)) for name, value in more]
    return Part(subject, payload, tuple(headers), reply)


def whole(batch: str, count: int, end: str = "1", **options: Any) -> list[Part]:
    """A batch of so many messages, the last of which commits."""
    return [
        part(batch, n, end if n == count else None, reply="a" if n == count else "", **options)
        for n in range(1, count + 1)
    ]


def fast(
    batch: str,
    sequence: object,
    operation: object,
    gap: str = "fail",
    flow: object = 5,
    *more: tuple[str, object],
    subject: str = "s.1",
) -> Part:
    """A message of a fast batch."""
    headers = tuple((name, str(value)) for name, value in more)
    return Part(subject, b"x", headers, f"{batch}.{flow}.{gap}.{sequence}.{operation}.$FI")


def run(batch: str, first: int, last: int, gap: str = "fail", flow: object = 5) -> list[Part]:
    """Messages `first`..`last` of a fast batch, which begins with number 1."""
    return [fast(batch, n, 0 if n == 1 else 1, gap, flow) for n in range(first, last + 1)]


ATOMIC = {"allow_atomic": True, "allow_rollup_hdrs": True}
FAST = {"allow_batched": True, "allow_rollup_hdrs": True}
EXPECT_WRONG = ("Nats-Expected-Last-Sequence", 999_999)
LONG_SEQUENCES = ("18446744073709551615", "18446744073709551616", "9223372036854775808")


def _schedule(target: str) -> tuple[tuple[str, str], ...]:
    return ("Nats-Schedule", "@at 2100-01-01T00:00:00Z"), ("Nats-Schedule-Target", target)


def _atomic_one(name: str, *headers: tuple[str, object]) -> BatchCase:
    """The header in a batch of one, and in the second message of another batch."""
    return BatchCase(
        f"atomic header {name}",
        ATOMIC,
        (
            Part("s.1"),
            part("h", 1, "1", *headers),
            part("i", 1, subject="s.2"),
            part("i", 2, "1", *headers, subject="s.3"),
            part("j", 1),
            part("j", 2, "1", *headers),
        ),
    )


ATOMIC_CASES = [
    BatchCase("atomic commit", ATOMIC, (part("x", 1), part("x", 2), part("x", 3, "1"))),
    BatchCase("atomic commit of one", ATOMIC, (part("x", 1, "1"),)),
    BatchCase("atomic eob", ATOMIC, (part("x", 1), part("x", 2), part("x", 3, "eob"))),
    BatchCase("atomic memory", {**ATOMIC, "storage": "memory"}, (part("x", 1), part("x", 2, "1"))),
    BatchCase("atomic without replies", ATOMIC, (whole("x", 5), whole("y", 2, "eob"))),
    BatchCase("atomic disabled", {}, (part("x", 1), part("x", 2, "1"))),
    BatchCase(
        "atomic ids",
        ATOMIC,
        tuple(part(name, 1, "1") for name in ("x" * 64, "x" * 65, 'q"\\é', "a b", "*.>", "")),
    ),
    BatchCase(
        "atomic sequences",
        ATOMIC,
        (
            Part("s.1", headers=(("Nats-Batch-Id", "q"),)),
            *(
                part(f"b{n}", text)
                for n, text in enumerate(
                    ("", "abc", "-1", "+1", "1.0", "0", "01", " 1", "0x1", "1 ", *LONG_SEQUENCES)
                )
            ),
        ),
    ),
    BatchCase(
        "atomic first header counts",
        ATOMIC,
        (
            part("a", 1, None, ("Nats-Batch-Id", "b"), ("Nats-Batch-Sequence", 7)),
            part("a", 2, "1", ("Nats-Batch-Commit", "eob")),
            part("b", 2, "1"),
        ),
    ),
    BatchCase(
        "atomic header names are exact",
        ATOMIC,
        (Part("s.1", headers=(("nats-batch-id", "x"), ("nats-batch-sequence", "1"))),),
    ),
    BatchCase(
        "atomic start in the middle",
        ATOMIC,
        (
            part("g", 2),
            part("g", 0, "eob"),
            part("g", 0, "1"),
            part("g", 1001),
            part("g", 1001, "eob"),
            part("g", 1002, "eob"),
        ),
    ),
    BatchCase("atomic gap", ATOMIC, (part("g", 1), part("g", 3), part("g", 4, "1")), advisories=1),
    BatchCase("atomic repeat", ATOMIC, (part("g", 1), part("g", 1), part("g", 2)), advisories=1),
    BatchCase("atomic eob at once", ATOMIC, (part("g", 1, "eob"),), advisories=1),
    BatchCase(
        "atomic commit values",
        ATOMIC,
        tuple(
            [part(f"c{n}", 1, reply=""), part(f"c{n}", 2, text)]
            for n, text in enumerate(("", "0", "2", "true", "EOB", "1 ", " 1", "11"))
        ),
    ),
    BatchCase(
        "atomic interleaved",
        ATOMIC,
        (
            *(part("a", 1), part("b", 1), Part("s.9"), part("a", 2), part("b", 2)),
            *(part("b", 3, "1"), part("a", 3, "1"), part("a", 1), part("a", 2, "1")),
        ),
    ),
    BatchCase(
        "atomic required level",
        ATOMIC,
        (
            part("l", 1, None, ("Nats-Required-Api-Level", 1)),
            part("l", 2, "1", ("Nats-Required-Api-Level", 2)),
            part("l", 1, "1", ("Nats-Required-Api-Level", "")),
            part("l", 1, "1", ("Nats-Required-Api-Level", 99)),
            part("l", 1, "1", ("Nats-Required-Api-Level", "zz")),
        ),
        advisories=2,
    ),
    _atomic_one("Nats-Expected-Last-Msg-Id", ("Nats-Expected-Last-Msg-Id", "a")),
    _atomic_one("Nats-Expected-Stream other", ("Nats-Expected-Stream", "Z")),
    _atomic_one("Nats-Expected-Stream own", ("Nats-Expected-Stream", "B")),
    _atomic_one("Nats-Expected-Last-Sequence 3", ("Nats-Expected-Last-Sequence", 3)),
    _atomic_one("Nats-Expected-Last-Sequence text", ("Nats-Expected-Last-Sequence", "zz")),
    _atomic_one("Nats-Expected-Last-Sequence empty", ("Nats-Expected-Last-Sequence", "")),
    _atomic_one("last subject sequence 1", ("Nats-Expected-Last-Subject-Sequence", 1)),
    _atomic_one("last subject sequence 0", ("Nats-Expected-Last-Subject-Sequence", 0)),
    _atomic_one(
        "last sequence of another subject",
        ("Nats-Expected-Last-Subject-Sequence", 0),
        ("Nats-Expected-Last-Subject-Sequence-Subject", "s.77"),
    ),
    _atomic_one(
        "last sequence of a filter",
        ("Nats-Expected-Last-Subject-Sequence", 2),
        ("Nats-Expected-Last-Subject-Sequence-Subject", "s.*"),
    ),
    _atomic_one("subject without sequence", ("Nats-Expected-Last-Subject-Sequence-Subject", "s.1")),
    _atomic_one("Nats-Rollup sub", ("Nats-Rollup", "sub")),
    _atomic_one("Nats-Rollup ALL", ("Nats-Rollup", "ALL")),
    _atomic_one("Nats-Rollup foo", ("Nats-Rollup", "foo")),
    _atomic_one("Nats-Stream-Source", ("Nats-Stream-Source", "x")),
    _atomic_one("Nats-TTL", ("Nats-TTL", "5s")),
    _atomic_one("Nats-TTL wrong", ("Nats-TTL", "zz")),
    _atomic_one("Nats-Incr", ("Nats-Incr", "1")),
    _atomic_one("Nats-Incr wrong", ("Nats-Incr", "x")),
    _atomic_one("Nats-Schedule", ("Nats-Schedule", "@at 2030-01-01T00:00:00Z")),
    _atomic_one("Foo", ("Foo", "bar")),
    BatchCase(
        "atomic rollup disabled",
        {"allow_atomic": True},
        (part("x", 1, "1", ("Nats-Rollup", "sub")),),
    ),
    BatchCase(
        "atomic rollups that fit",
        ATOMIC,
        (
            *(Part(f"s.{n}") for n in (1, 2, 3)),
            part("r", 1, None, ("Nats-Rollup", "sub"), subject="s.1"),
            part("r", 2, None, subject="s.1"),
            part("r", 3, "1", ("Nats-Rollup", "sub"), subject="s.2"),
            part("t", 1, None, ("Nats-Rollup", "all")),
            part("t", 2, "1", subject="s.2"),
        ),
    ),
    BatchCase(
        "atomic same msg id inside",
        ATOMIC,
        (part("d", 1, None, ("Nats-Msg-Id", "i")), part("d", 2, "1", ("Nats-Msg-Id", "i"))),
    ),
    BatchCase(
        "atomic msg ids",
        ATOMIC,
        (
            Part("s.1", headers=(("Nats-Msg-Id", "a"),)),
            part("x", 1, None, ("Nats-Msg-Id", "b")),
            part("x", 2, "1", ("Nats-Msg-Id", "c")),
            part("y", 1, None, ("Nats-Msg-Id", "d")),
            part("y", 2, "1", ("Nats-Msg-Id", "a")),
            part("z", 1, "1", ("Nats-Msg-Id", "c")),
            Part("s.1", headers=(("Nats-Msg-Id", "b"),)),
            part("z", 1, "1", ("Nats-Msg-Id", "d")),
            Part("s.1", headers=(("Nats-Expected-Last-Msg-Id", "d"),)),
        ),
    ),
    BatchCase(
        "atomic schedules",
        {**ATOMIC, "allow_msg_schedules": True},
        (
            part("x", 1, None, *_schedule("s.9")),
            part("x", 2, "1", *_schedule("s.8"), subject="s.2"),
            part("y", 1, "1", *_schedule("t.8")),
            part("y", 1, "1", ("Nats-Schedule", "never")),
            part("y", 1, None, subject="s.3"),
            part("y", 2, "1", *_schedule("s.8"), subject="s.3"),
            part("z", 1, "1", ("Nats-Schedule-Next", "purge"), ("Nats-Scheduler", "s.2")),
        ),
    ),
    BatchCase(
        "atomic ttl",
        {**ATOMIC, "allow_msg_ttl": True},
        (
            part("x", 1, None, ("Nats-TTL", "1h")),
            part("x", 2, "1", ("Nats-TTL", "never")),
            part("y", 1, None, ("Nats-TTL", "1h")),
            part("y", 2, "1", ("Nats-TTL", "1ms")),
        ),
    ),
    BatchCase(
        "atomic counters",
        {"allow_atomic": True, "allow_msg_counter": True},
        (
            part("x", 1, None, ("Nats-Incr", "+5"), payload=b""),
            part("x", 2, None, ("Nats-Incr", "-7"), payload=b""),
            part("x", 3, "1", ("Nats-Incr", "1"), payload=b"", subject="s.2"),
            part("x", 1, "1", ("Nats-Incr", "10"), payload=b""),
            part("x", 1, "1", payload=b""),
            part("x", 1, "1", ("Nats-Incr", "10")),
            part("x", 1, "1", ("Nats-Incr", "z"), payload=b""),
            part("x", 1, "1", ("Nats-Incr", "1"), ("Nats-Rollup", "sub"), payload=b""),
        ),
    ),
    BatchCase(
        "atomic discard new",
        {**ATOMIC, "discard": "new", "max_msgs": 4},
        (whole("a", 5), whole("a", 2), whole("b", 2), whole("b", 1)),
    ),
    BatchCase(
        "atomic discard new bytes",
        {**ATOMIC, "discard": "new", "max_bytes": 700},
        (whole("a", 5, payload=b"y" * 40), whole("b", 4, payload=b"y" * 40)),
    ),
    BatchCase(
        "atomic discard new bytes in memory",
        {**ATOMIC, "discard": "new", "max_bytes": 600, "storage": "memory"},
        (whole("a", 5, payload=b"y" * 40), whole("b", 4, payload=b"y" * 40)),
    ),
    BatchCase(
        "atomic discard new per subject",
        {
            **ATOMIC,
            "discard": "new",
            "max_msgs_per_subject": 2,
            "discard_new_per_subject": True,
        },
        (whole("a", 3), whole("a", 2), whole("b", 1)),
    ),
    BatchCase(
        "atomic discard old",
        {**ATOMIC, "max_msgs": 3},
        (whole("a", 2), whole("b", 5), whole("c", 1)),
    ),
    BatchCase(
        "atomic per subject",
        {**ATOMIC, "max_msgs_per_subject": 1},
        (whole("a", 3), [*whole("b", 2, subject="s.2"), *whole("c", 2)]),
    ),
    BatchCase(
        "atomic max msg size",
        {**ATOMIC, "max_msg_size": 100},
        (part("a", 1), part("a", 2, payload=b"z" * 90), part("a", 2, "1")),
    ),
    BatchCase(
        "atomic no ack",
        {**ATOMIC, "no_ack": True},
        (part("a", 1), part("a", 2, "1"), part("b", 2)),
    ),
    BatchCase(
        "atomic too large",
        ATOMIC,
        ([part("L", n, reply="") for n in range(1, 1001)], part("L", 1001), part("L", 1002)),
        advisories=1,
    ),
    BatchCase("atomic thousand", ATOMIC, (whole("L", 1000), whole("M", 1001, "eob"))),
    BatchCase(
        "atomic inflight",
        ATOMIC,
        (
            [part(f"i{n}", 1, reply="") for n in range(50)],
            part("i50", 1),
            part("i7", 2, "1"),
            part("i50", 1),
            part("i51", 1),
        ),
    ),
    BatchCase(
        "atomic switched off and on",
        ATOMIC,
        (part("a", 1), Configure({}), part("a", 2), Configure(ATOMIC), part("a", 2, "1")),
    ),
    BatchCase(
        "atomic transform",
        {**ATOMIC, "subject_transform": {"src": "s.*", "dest": "t.{{wildcard(1)}}"}},
        (part("a", 1), part("a", 2, "1", subject="s.2")),
    ),
]


def _fast_error(gap: str) -> list[BatchCase]:
    wrong = fast("h", 2, 1, gap, 5, EXPECT_WRONG)
    return [
        BatchCase(
            f"fast {gap}: error first",
            FAST,
            (fast("h", 1, 0, gap, 5, EXPECT_WRONG), fast("h", 2, 1, gap), fast("h", 3, 2, gap)),
        ),
        BatchCase(
            f"fast {gap}: error second",
            FAST,
            (fast("h", 1, 0, gap), wrong, fast("h", 3, 1, gap), fast("h", 4, 2, gap)),
        ),
        BatchCase(
            f"fast {gap}: error last",
            FAST,
            (fast("h", 1, 0, gap), fast("h", 2, 2, gap, 5, EXPECT_WRONG), fast("h", 3, 2, gap)),
        ),
        BatchCase(
            f"fast {gap}: error only", FAST, (fast("h", 1, 2, gap, 5, EXPECT_WRONG),)
        ),
        BatchCase(
            f"fast {gap}: error before eob",
            FAST,
            (fast("h", 1, 0, gap), wrong, fast("h", 3, 3, gap)),
        ),
        BatchCase(
            f"fast {gap}: gap",
            FAST,
            (*run("g", 1, 2, gap), fast("g", 4, 1, gap), *run("g", 5, 9, gap)),
        ),
        BatchCase(f"fast {gap}: gap at commit", FAST, (*run("g", 1, 2, gap), fast("g", 6, 2, gap))),
        BatchCase(f"fast {gap}: gap at eob", FAST, (*run("g", 1, 2, gap), fast("g", 6, 3, gap))),
        BatchCase(
            f"fast {gap}: backwards",
            FAST,
            (*run("g", 1, 4, gap), fast("g", 3, 1, gap), fast("g", 5, 1, gap)),
        ),
        BatchCase(f"fast {gap}: start again", FAST, (*run("g", 1, 2, gap), fast("g", 1, 0, gap))),
        BatchCase(
            f"fast {gap}: ping",
            FAST,
            (
                *run("g", 1, 7, gap), fast("g", 7, 4, gap), fast("g", 2, 4, gap),
                fast("g", 12, 4, gap), fast("g", 13, 1, gap), fast("g", 14, 2, gap),
            ),
        ),
        BatchCase(
            f"fast {gap}: duplicates",
            FAST,
            (
                fast("j", 1, 0, gap, 5, ("Nats-Msg-Id", "a")),
                fast("j", 2, 1, gap, 5, ("Nats-Msg-Id", "a")),
                fast("j", 3, 2, gap, 5, ("Nats-Msg-Id", "b")),
                fast("k", 1, 0, gap, 5, ("Nats-Msg-Id", "a")),
                fast("k", 2, 2, gap, 5, ("Nats-Msg-Id", "b")),
                fast("l", 1, 2, gap, 5, ("Nats-Msg-Id", "a")),
                *(fast("m", n, int(n > 1), gap, 3, ("Nats-Msg-Id", "a")) for n in range(1, 8)),
            ),
        ),
        BatchCase(
            f"fast {gap}: limits",
            {**FAST, "discard": "new", "max_msgs": 5},
            ([*run("m", 1, 7, gap)], fast("m", 8, 2, gap)),
        ),
    ]  # fmt: skip


PATTERNS = (
    "$FI", "1.$FI", "x.5.fail.1.5.$FI", "x.5.fail.1.-1.$FI", "x.5.fail.0.0.$FI",
    "x.5.fail.2.0.$FI", "x.5.fail.1.1.$FI", "x.5.fail.1.3.$FI", "x.5.foo.1.0.$FI",
    "x.5.OK.1.0.$FI", "x.5.fail.18446744073709551615.1.$FI", "x.5.fail.18446744073709551616.1.$FI",
    "x.5.fail.9223372036854775808.1.$FI", "x.5.fail.a.1.$FI", "x.5.fail.1.a.$FI", "$FI.z",
    "y.5.fail.01.002.$FI", "a.b.c.5.ok.1.2.$FI", "z" * 64 + ".5.ok.1.2.$FI",
    "z" * 65 + ".5.ok.1.2.$FI",
)  # fmt: skip

FAST_CASES = [
    BatchCase("fast disabled", {}, (fast("x", 1, 0), Part("s.1", reply="$FI"))),
    BatchCase("fast patterns", FAST, tuple(Part("s.1", reply=text) for text in PATTERNS)),
    BatchCase("fast unknown", FAST, tuple(fast("u", n, op) for n, op in ((2, 1), (2, 2), (1, 4)))),
    BatchCase(
        "fast commit",
        FAST,
        (*run("a", 1, 11), fast("a", 12, 2), fast("a", 13, 1)),
    ),
    BatchCase("fast at once", FAST, ([*run("a", 1, 300, "fail", 100), fast("a", 301, 2)],)),
    BatchCase("fast eob", FAST, (*run("b", 1, 3), fast("b", 4, 3))),
    BatchCase("fast of one", FAST, (fast("c", 1, 2),)),
    BatchCase("fast memory", {**FAST, "storage": "memory"}, (*run("b", 1, 6), fast("b", 7, 2))),
    BatchCase(
        "fast flow values",
        FAST,
        tuple(
            [fast(f"f{n}", 1, 0, "ok", flow), fast(f"f{n}", 2, 3, "ok", flow)]
            for n, flow in enumerate((0, -1, "x", 1, 2, 600, 70000))
        ),
    ),
    BatchCase(
        "fast flow of several",
        FAST,
        (
            *(fast(f"r{n}", 1, 0, "fail", 400) for n in range(3)),
            run("r1", 2, 900, "fail", 400),
            run("r0", 2, 900, "fail", 400),
            *(fast(f"r{n}", 2 if n == 2 else 901, 3, "fail", 400) for n in range(3)),
        ),
    ),
    *_fast_error("fail"),
    *_fast_error("ok"),
    BatchCase(
        "fast headers",
        FAST,
        (
            fast("l", 1, 0, "fail", 5, ("Nats-Required-Api-Level", 99)),
            fast("m", 1, 2, "fail", 5, ("Nats-Required-Api-Level", 1)),
            fast("n", 1, 2, "fail", 5, ("Nats-Rollup", "foo")),
            fast("o", 1, 2, "fail", 5, ("Nats-Rollup", "all")),
            fast("p", 1, 2, "fail", 5, ("Nats-Expected-Stream", "Z")),
            fast("q", 1, 2, "fail", 5, ("Foo", "bar")),
            fast("r", 1, 2, "fail", 5, ("Nats-Expected-Last-Msg-Id", "zz")),
        ),
    ),
    BatchCase(
        "fast no ack",
        {**FAST, "no_ack": True},
        (*run("m", 1, 7, "ok", 2), fast("m", 9, 1, "ok"), fast("m", 10, 2, "ok"), fast("u", 2, 1)),
    ),
    BatchCase(
        "fast discard old",
        {**FAST, "max_msgs": 3},
        (*run("m", 1, 5), fast("m", 6, 2)),
    ),
    BatchCase(
        "fast max msg size",
        {**FAST, "max_msg_size": 20},
        (
            fast("m", 1, 0),
            Part("s.1", b"z" * 50, (), "m.5.fail.2.1.$FI"),
            fast("m", 2, 1),
            fast("m", 3, 2),
        ),
    ),
    BatchCase(
        "fast switched off and on",
        FAST,
        (fast("a", 1, 0), Configure({}), fast("a", 2, 1), Configure(FAST), fast("a", 2, 1)),
    ),
    BatchCase(
        "fast and atomic",
        {**FAST, **ATOMIC},
        (fast("k", 1, 0), part("k", 1), fast("k", 2, 1), part("k", 2, "1"), fast("k", 3, 2)),
    ),
]

CASES = [*ATOMIC_CASES, *FAST_CASES]
