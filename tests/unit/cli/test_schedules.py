"""The `--schedule-*` flags as headers."""

from __future__ import annotations

import time

import pytest
from pynats_cli.errors import CliError
from pynats_cli.messages.publisher.schedules import Schedule
from pynats_common.go.durations import MINUTE_NS, SECOND_NS
from pynats_common.go.times import parse_time_ns


@pytest.mark.parametrize(
    ("at", "pattern"),
    [
        ("2100-01-01T00:30:00+01:00", "@at 2099-12-31T23:30:00Z"),
        ("2100-01-01t00:00:00.987654321z", "@at 2100-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_sent_in_utc_to_the_second(at: str, pattern: str) -> None:
    schedule = Schedule(at=at, destination="d")
    schedule.validate()
    assert schedule.headers() == [("Nats-Schedule-Target", "d"), ("Nats-Schedule", pattern)]


@pytest.mark.parametrize(
    "at",
    [
        "now",
        "2100-01-01",
        "2100-13-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_is_refused_before_connecting(at: str) -> None:
    with pytest.raises(CliError, match=f'"{at}" is not an RFC3339 time'):
        Schedule(at=at, destination="d").validate()


def test_durations_are_written_in_go_form() -> None:
    every = Schedule(every_ns=90 * MINUTE_NS, ttl_ns=30 * SECOND_NS, source="s", destination="d")
    assert every.headers() == [
        ("Nats-Schedule-Target", "d"),
        ("Nats-Schedule", "@every 1h30m0s"),
        ("Nats-Schedule-TTL", "30s"),
        ("Nats-Schedule-Source", "s"),
    ]


def test_a_delay_counts_from_now() -> None:
    before_ns = time.time_ns()
    pattern = dict(Schedule(after_ns=MINUTE_NS, destination="d").headers())["Nats-Schedule"]
    due_ns = parse_time_ns(pattern.removeprefix("@at "))
    assert before_ns - SECOND_NS < due_ns - MINUTE_NS <= time.time_ns()


def test_headers_of_the_schedule_replace_those_of_the_same_name() -> None:
    schedule = Schedule(cron="@hourly", destination="new")
    given = [("Nats-Schedule-Target", "old"), ("A", "1"), ("nats-schedule", "x"), ("A", "2")]
    assert schedule.added_to(given) == [
        ("A", "1"), ("A", "2"), ("Nats-Schedule-Target", "new"), ("Nats-Schedule", "@hourly"),
    ]  # fmt: skip
    own = Schedule(destination="new").added_to([("Nats-Schedule", "@daily")])
    assert own == [("Nats-Schedule", "@daily"), ("Nats-Schedule-Target", "new")]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(every_ns=1, at="x", destination="d"), "--schedule-every may not be used with"),
        (Schedule(every_ns=1, after_ns=1, destination="d"), "--schedule-every may not be used"),
        (Schedule(at="x", after_ns=1, destination="d"), "at and --schedule-after are mutually"),
        (Schedule(cron="x", every_ns=1, destination="d"), "mutually exclusive"),
        (Schedule(every_ns=0, destination="d"), "--schedule-every must be greater than 0"),
        (Schedule(after_ns=-1, destination="d"), "--schedule-after must be greater than 0"),
    ],
)
def test_schedules_that_make_no_sense_are_refused(schedule: Schedule, words: str) -> None:
    with pytest.raises(CliError, match=words):
        schedule.validate()
