"""Schedules: what the real server accepts, and when it says that they are due."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import parse_time_ns
from pynats_server.jetstream.publish import headers
from pynats_server.jetstream.stream.schedule_syntax import (
    ScheduleZoneError,
    next_due,
    parse_schedule,
)

from tests.conformance.jetstream.schedule_rows import DUE, PATTERNS
from tests.support.deadline import pause, wait_until
from tests.support.oracle import Oracle
from tests.support.process import REFERENCE, ServerProcess
from tests.support.timer_files import read_due_times

pytestmark = pytest.mark.reference
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


def test_the_same_patterns_are_accepted(oracle: Oracle) -> None:
    oracle.create("S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True)
    differences = []
    for number, (pattern, zone) in enumerate(PATTERNS + DUE):
        ack = publish(oracle, number, pattern, zone)
        theirs = ack["error"]["err_code"] if "error" in ack else None
        if refusal(pattern, zone) != theirs:
            differences.append((pattern, zone, refusal(pattern, zone), theirs))
    assert not differences


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


def test_first_times(tmp_path: Path) -> None:
    """Compared with the file that the server leaves when it ends."""
    random = Random(5)
    cases = DUE + [random_pattern(random) for _ in range(500)]
    config = f'jetstream {{ store_dir: "{tmp_path}/store" }}\n'
    published = {}
    with ServerProcess(REFERENCE, tmp_path, config) as server, Oracle(server.port) as oracle:
        oracle.create(
            "S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True, storage="file"
        )
        for number, (pattern, zone) in enumerate(cases):
            ack = publish(oracle, number, pattern, zone)
            if "error" not in ack:
                published[number] = parse_time_ns(oracle.message("S", ack["seq"])["time"])
    (path,) = tmp_path.rglob("sched.db")
    due = read_due_times(path)
    differences = []
    for number, (pattern, zone) in enumerate(cases):
        theirs = due.get(f"schedule.{number}")
        if theirs is None:
            ours = refusal(pattern, zone)
            same = ours is not None and number not in published
        else:
            schedule = parse_schedule(pattern, zone)
            ours = schedule.first_time(published[number])
            # One that was due while the server ran has moved on.
            while ours is not None and ours < theirs and ours - published[number] < RUN_NS:
                ours = schedule.next_time(ours)
            # It may have looked at its clock a moment before the message got its time.
            early = schedule.first_time(published[number] - SECOND_NS // 4)
            same = theirs in (ours, early)
        if not same:
            differences.append((pattern, zone, published.get(number), ours, theirs))
    assert not differences


@pytest.mark.parametrize(
    ("pattern", "zone"),
    [
        ("* * * * * *", "Europe/Berlin"),
        ("*/2 * * * * *", "Asia/Kathmandu"),
        ("* * * * * *", None),
        ("@every 1s", None),
    ],
)
def test_time_after_a_firing(oracle: Oracle, pattern: str, zone: str | None) -> None:
    """The message that a schedule produces says when the next one is due."""
    oracle.create("S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True)
    publish(oracle, 0, pattern, zone)
    message = firing(oracle, 0)
    fired = parse_time_ns(message["time"])
    block = base64.b64decode(message["hdrs"])
    shown = headers.get(block, b"Nats-Schedule-Next")
    assert shown is not None
    schedule = parse_schedule(pattern, zone)
    following = parse_time_ns(shown.decode())
    assert schedule.show(following) == shown.decode()
    # It was due at one of the last seconds before it fired.
    last = fired // SECOND_NS
    assert following in {
        next_due(schedule, due * SECOND_NS, fired) for due in range(last - 2, last + 1)
    }


def test_cron_does_not_round(oracle: Oracle) -> None:
    """Whenever within a second it is published, a schedule can be due at the next."""
    oracle.create("S", subjects=["schedule.*", "target.*"], allow_msg_schedules=True)
    published = []
    for number in range(20):
        second = time.time_ns() // SECOND_NS
        pattern = f"{(second + 1) % 60},{(second + 2) % 60} * * * * *"
        ack = publish(oracle, number, pattern, None)
        published.append((pattern, parse_time_ns(oracle.message("S", ack["seq"])["time"])))
        pause(0.05)
    for number, (pattern, time_ns) in enumerate(published):
        message = firing(oracle, number)
        due = parse_schedule(pattern).first_time(time_ns)
        assert due is not None
        assert due <= parse_time_ns(message["time"]) < due + 30 * SECOND_NS
