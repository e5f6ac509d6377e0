"""Schedules: what the real server accepts, and when it says that they are due."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import parse_time_ns
from pynats_server.core.protocol import headers
from pynats_server.jetstream.stream.timed.schedule_syntax import (
    ScheduleZoneError,
    next_due,
    parse_schedule,
)

from tests.conformance.jetstream.reference import Reference, ask_live
from tests.conformance.jetstream.schedule_rows import DUE, PATTERNS
from tests.support.deadline import pause, wait_until
from tests.support.oracle import Oracle
from tests.support.pool import ServerPool
from tests.support.process import REFERENCE, ServerProcess
from tests.support.records import RECORD, Recorded
from tests.support.timer_files import read_due_times

# Longer than a test server runs.
RUN_NS = 120 * 10**9


def publish(oracle: Oracle, number: int, pattern: str, zone: str | None) -> dict[str, Any]:
    pairs = [
        (b"Nats-Schedule", pattern.encode()),
        (b"Nats-Schedule-Target", b"target.%d" % number),
    ]
    if zone is not None:
        pairs.append((b"Nats-Schedule-Time-Zone", zone.encode()))
    return oracle.publish(f"schedule.{number}", headers=headers.build(pairs))


def firing(oracle: Oracle, number: int) -> dict[str, Any]:
    """The first message that the schedule produced."""
    target = f"target.{number}"
    return wait_until(
        lambda: oracle.api("STREAM.MSG.GET.S", seq=1, next_by_subj=target).get("message"),
        "a firing",
    )


def refusal(pattern: str, zone: str | None) -> int | None:
    try:
        parse_schedule(pattern, zone)
    except ScheduleZoneError:
        return 10223
    except ValueError:
        return 10189
    return None


def test_the_same_patterns_are_accepted(reference: Reference) -> None:
    patterns = PATTERNS + DUE

    def ask(oracle: Oracle) -> list[Any]:
        oracle.create("S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True)
        acks = [publish(oracle, number, *each) for number, each in enumerate(patterns)]
        return [
            [*each, ack["error"]["err_code"] if "error" in ack else None]
            for each, ack in zip(patterns, acks, strict=True)
        ]

    mine = [[*each, refusal(*each)] for each in patterns]
    theirs = reference.of(ask)
    assert [pair for pair in zip(mine, theirs, strict=True) if pair[0] != pair[1]] == []


def random_pattern(random: Random) -> tuple[str, str]:
    def field(low: int, high: int, single: float) -> str:
        if random.random() < single:
            return str(random.randint(low, high))
        first, last = sorted((random.randint(low, high), random.randint(low, high)))
        step = random.randint(1, high)
        forms = ["*", "?", f"{first}-{last}", f"*/{step}", f"{first}/{step}", f"{first},{last}"]
        return random.choice(forms)

    # The real server passes over times on days without midnight (Cairo, Havana) and on those
    # whose clock is changed by half an hour (Lord Howe).
    zones = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu"]
    bounds = [(0, 59, 0.7), (0, 59, 0.5), (0, 23, 0.5), (1, 28, 0.6), (1, 12, 0.5), (0, 6, 0.3)]
    return " ".join(field(*bound) for bound in bounds), random.choice(zones)


@dataclass(frozen=True)
class FirstTime:
    """A schedule as the server took it: when it got the message and when it meant to fire next,
    both in ns, as they were in its files when it ended. None where it refused the pattern, and
    where the schedule had no time left."""

    pattern: str
    zone: str | None
    published: int | None
    due: int | None

    def is_ours(self) -> bool:
        """Whether our schedule says the same of that moment."""
        if self.published is None:
            return refusal(self.pattern, self.zone) is not None and self.due is None
        if self.due is None:
            return False
        schedule = parse_schedule(self.pattern, self.zone)
        ours = schedule.first_time(self.published)
        # One that was due while the server ran has moved on.
        while ours is not None and ours < self.due and ours - self.published < RUN_NS:
            ours = schedule.next_time(ours)
        # It may have looked at its clock a moment before the message got its time.
        early = schedule.first_time(self.published - SECOND_NS // 4)
        return self.due in (ours, early)


def first_times(folder: Path, cases: list[tuple[str, str | None]]) -> list[FirstTime]:
    """From the file that the server leaves when it ends."""
    config = f'jetstream {{ store_dir: "{folder}/store" }}\n'
    published = {}
    with ServerProcess(REFERENCE, folder, config) as server, Oracle(server.port) as oracle:
        oracle.create(
            "S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True, storage="file"
        )
        for number, (pattern, zone) in enumerate(cases):
            ack = publish(oracle, number, pattern, zone)
            if "error" not in ack:
                published[number] = parse_time_ns(oracle.message("S", ack["seq"])["time"])
    (path,) = folder.rglob("sched.db")
    due = read_due_times(path)
    return [
        FirstTime(pattern, zone, published.get(number), due.get(f"schedule.{number}"))
        for number, (pattern, zone) in enumerate(cases)
    ]


def drawn_patterns(random: Random) -> list[tuple[str, str | None]]:
    return [*DUE, *[random_pattern(random) for _ in range(500)]]


def test_first_times(tmp_path: Path, recorded: Recorded) -> None:
    """What the server once said of its moment is true for ever. Another moment has other times,
    so those are not compared with the record: see the next test."""

    def told() -> list[list[Any]]:
        if recorded.mode != RECORD:
            return list(recorded.kept())
        return [list(astuple(each)) for each in first_times(tmp_path, drawn_patterns(Random(5)))]

    observed = [FirstTime(*each) for each in recorded.of(told)]
    assert [(each.pattern, each.zone) for each in observed[: len(DUE)]] == DUE
    assert len(observed) == len(DUE) + 500
    assert [each for each in observed if not each.is_ours()] == []


@pytest.mark.reference
def test_first_times_now(tmp_path: Path) -> None:
    observed = first_times(tmp_path, drawn_patterns(Random()))
    assert [each for each in observed if not each.is_ours()] == []


@dataclass(frozen=True)
class Firing:
    """The first message that a schedule produced: when the schedule came, when that was, and
    what it said of the next."""

    pattern: str
    zone: str | None
    published: int
    fired: int
    following: str

    def follows(self) -> bool:
        """Whether ours would be due then, next: it was due at one of the last seconds before it
        fired, or between them."""
        schedule = parse_schedule(self.pattern, self.zone)
        following, last = parse_time_ns(self.following), self.fired // SECOND_NS
        return schedule.show(following) == self.following and following in {
            next_due(schedule, due * SECOND_NS // 2, self.fired)
            for due in range(2 * (last - 2), 2 * last + 2)
        }

    def is_in_time(self) -> bool:
        due = parse_schedule(self.pattern, self.zone).first_time(self.published)
        return due is not None and due <= self.fired < due + 30 * SECOND_NS


def firing_of(
    oracle: Oracle, number: int, pattern: str, zone: str | None, published: int
) -> Firing:
    message = firing(oracle, number)
    shown = headers.get(base64.b64decode(message["hdrs"]), b"Nats-Schedule-Next")
    assert shown is not None
    return Firing(pattern, zone, published, parse_time_ns(message["time"]), shown.decode())


REPEATED = [
    ("* * * * * *", "Europe/Berlin"),
    ("*/2 * * * * *", "Asia/Kathmandu"),
    ("* * * * * *", None),
    ("@every 1s", None),
    ("@every 1500ms", None),  # its times are between the seconds
]


def repeated_firings(oracle: Oracle) -> list[Firing]:
    oracle.create("S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True)
    published = []
    for number, (pattern, zone) in enumerate(REPEATED):
        ack = publish(oracle, number, pattern, zone)
        published.append(parse_time_ns(oracle.message("S", ack["seq"])["time"]))
    return [
        firing_of(oracle, number, pattern, zone, published[number])
        for number, (pattern, zone) in enumerate(REPEATED)
    ]


def cron_firings(oracle: Oracle) -> list[Firing]:
    """Schedules published at many places of a second, each due at the next."""
    oracle.create("S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True)
    published = []
    for number in range(20):
        second = time.time_ns() // SECOND_NS
        pattern = f"{(second + 1) % 60},{(second + 2) % 60} * * * * *"
        ack = publish(oracle, number, pattern, None)
        published.append((pattern, parse_time_ns(oracle.message("S", ack["seq"])["time"])))
        pause(0.05)
    return [
        firing_of(oracle, number, pattern, None, at)
        for number, (pattern, at) in enumerate(published)
    ]


def observations(reference: Reference, ask: Callable[[Oracle], list[Firing]]) -> list[Firing]:
    """What was seen when it was recorded, judged for ever like the first times."""

    def told() -> list[list[Any]]:
        if reference.recorded.mode != RECORD:
            return list(reference.recorded.kept())
        return [list(astuple(each)) for each in reference.asked(ask)]

    return [Firing(*each) for each in reference.recorded.of(told)]


def test_time_after_a_firing(reference: Reference) -> None:
    """The message that a schedule produces says when the next one is due."""
    observed = observations(reference, repeated_firings)
    assert [(each.pattern, each.zone) for each in observed] == REPEATED
    assert [each for each in observed if not each.follows()] == []


@pytest.mark.reference
def test_time_after_a_firing_now(reference_servers: ServerPool) -> None:
    observed = ask_live(reference_servers, repeated_firings)
    assert [each for each in observed if not each.follows()] == []


def test_cron_does_not_round(reference: Reference) -> None:
    """Whenever within a second it is published, a schedule can be due at the next."""
    observed = observations(reference, cron_firings)
    assert len(observed) == 20
    assert [each for each in observed if not each.is_in_time()] == []


@pytest.mark.reference
def test_cron_does_not_round_now(reference_servers: ServerPool) -> None:
    observed = ask_live(reference_servers, cron_firings)
    assert [each for each in observed if not each.is_in_time()] == []
