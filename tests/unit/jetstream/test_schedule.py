"""Schedules: properties of next_time, clock changes, and invalid schedules."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import format_time_ns, parse_time_ns
from pynats_server.jetstream.stream.timed.schedule_syntax import (
    TIME_MAX,
    TIME_MIN,
    Cron,
    ScheduleZoneError,
    next_due,
    parse_schedule,
)

# Clocks changed at night, at midnight, by half an hour, across a date line, and not at all.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Africa/Cairo",
    "America/Havana",
    "America/Nuuk",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
START = parse_time_ns("2010-01-01T00:00:00Z")
END = parse_time_ns("2035-01-01T00:00:00Z")


def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    some = st.lists(number, min_size=1, max_size=4).map(lambda them: ",".join(map(str, them)))
    return st.one_of(st.just("*"), some, st.integers(1, high).map(lambda step: f"*/{step}"))


PATTERN = st.tuples(
    field(0, 59), field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)
).map(" ".join)


def matches(cron: Cron, time_ns: int) -> bool:
    local = datetime.fromtimestamp(time_ns // SECOND_NS, cron.zone)
    in_days, in_weekdays = local.day in cron.days, local.isoweekday() % 7 in cron.weekdays
    return (
        local.second in cron.seconds
        and local.minute in cron.minutes
        and local.hour in cron.hours
        and local.month in cron.months
        and (in_days and in_weekdays if cron.any_day else in_days or in_weekdays)
    )


@given(PATTERN, st.sampled_from(ZONES), st.integers(START, END))
def test_times_increase_and_match_the_fields(pattern: str, zone: str, after: int) -> None:
    cron = parse_schedule(pattern, zone)
    assert isinstance(cron, Cron)
    previous = after
    for _ in range(4):
        following = cron.next_time(previous)
        assert following is not None
        assert following > previous
        assert following % SECOND_NS == 0
        assert matches(cron, following)
        previous = following


@given(
    field(0, 59),
    st.one_of(field(0, 23), st.just("0"), st.just("2")),
    st.sampled_from(ZONES),
    st.integers(2010, 2034),
    st.data(),
)
def test_no_time_is_passed_over(
    minutes: str, hours: str, zone: str, year: int, data: st.DataObject
) -> None:
    """Around a clock change, the result equals a search minute by minute."""
    cron = parse_schedule(f"0 {minutes} {hours} * * *", zone)
    assert isinstance(cron, Cron)
    year_s = START // SECOND_NS + (year - 2010) * 365 * 86400
    days = [year_s + day * 86400 for day in range(366)]
    offsets = [datetime.fromtimestamp(day, cron.zone).utcoffset() for day in days]
    changes = [day for day, a, b in zip(days, offsets, offsets[1:], strict=False) if a != b]
    after = data.draw(st.sampled_from(changes or days)) + data.draw(st.integers(-86400, 86400))
    minutes_ahead = range(after // 60 + 1, after // 60 + 4 * 1440)
    first = next(minute for minute in minutes_ahead if matches(cron, minute * 60 * SECOND_NS))
    assert cron.next_time(after * SECOND_NS) == first * 60 * SECOND_NS


@pytest.mark.parametrize(
    ("pattern", "zone", "after", "times"),
    [
        pytest.param(
            "0 30 2 * * *",
            "Europe/Berlin",
            "2027-03-27T12:00:00Z",
            ["2027-03-29T02:30:00+02:00"],
            id="skipped in spring",
        ),
        pytest.param(
            "0 30 2 * * *",
            "Europe/Berlin",
            "2027-10-30T12:00:00Z",
            [
                "2027-10-31T02:30:00+02:00",
                "2027-10-31T02:30:00+01:00",
                "2027-11-01T02:30:00+01:00",
            ],
            id="twice in autumn",
        ),
        # On these days the real server finds no time, or one of another year.
        pytest.param(
            "0 30 5 14 3 *",
            "America/Havana",
            "2026-11-24T00:00:00Z",
            ["2027-03-14T05:30:00-04:00", "2028-03-14T05:30:00-04:00"],
            id="day without midnight",
        ),
        pytest.param(
            "0 0 0 28 3 *",
            "Asia/Beirut",
            "2026-11-24T00:00:00Z",
            ["2028-03-28T00:00:00+03:00"],
            id="skipped midnight",
        ),
        pytest.param(
            "41 0 19 4 4 *",
            "Australia/Lord_Howe",
            "2026-11-24T00:00:00Z",
            ["2027-04-04T19:00:41+10:30"],
            id="half an hour repeated",
        ),
        pytest.param(
            "0 0 0 29 2 *", None, "2026-11-24T00:00:00Z", ["2028-02-29T00:00:00Z"], id="leap day"
        ),
        pytest.param(
            "@every 90s",
            None,
            "2026-11-24T00:00:00.6Z",
            ["2026-11-24T00:01:31Z", "2026-11-24T00:03:01Z"],
            id="interval counts from the nearest second",
        ),
        pytest.param(
            "* * * * * *",
            None,
            "2026-11-24T00:00:00.6Z",
            ["2026-11-24T00:00:01Z", "2026-11-24T00:00:02Z"],
            id="cron does not round",
        ),
    ],
)
def test_examples(pattern: str, zone: str | None, after: str, times: list[str]) -> None:
    schedule = parse_schedule(pattern, zone)
    time_ns: int | None = parse_time_ns(after)
    for expected in times:
        assert time_ns is not None
        time_ns = schedule.next_time(time_ns)
        assert time_ns is not None
        assert schedule.show(time_ns) == expected


def test_at_is_due_once_even_if_late() -> None:
    schedule = parse_schedule("@at 2020-01-01T00:00:00.5Z")
    moment = parse_time_ns("2020-01-01T00:00:00.5Z")
    assert not schedule.repeats
    assert schedule.first_time(moment + 10**18) == moment
    assert schedule.next_time(moment) is None
    assert schedule.next_time(moment - 1) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9999-12-31T23:59:59Z", TIME_MAX),
        ("0000-02-29T00:00:00Z", TIME_MIN),
        ("1970-01-01T00:00:00+24:60", -90000 * SECOND_NS),
        ("1969-12-31T23:59:59.9999999999Z", -1),
    ],
)
def test_odd_moments(text: str, expected: int) -> None:
    assert parse_schedule(f"@at {text}").first_time(0) == expected


@pytest.mark.parametrize("pattern", ["@every 1m", "0 * * * * *"])
def test_missed_times_are_skipped(pattern: str) -> None:
    schedule = parse_schedule(pattern)
    due, now = parse_time_ns("2026-01-01T00:00:00Z"), parse_time_ns("2026-01-02T00:00:00Z")
    assert schedule.repeats
    assert next_due(schedule, due, due + 1) == due + 60 * SECOND_NS
    following = next_due(schedule, due, now + 1)
    assert following is not None
    assert format_time_ns(following) == "2026-01-02T00:01:00Z"


def test_nothing_follows_the_last() -> None:
    schedule = parse_schedule("@at 2020-01-01T00:00:00Z")
    moment = parse_time_ns("2020-01-01T00:00:00Z")
    assert next_due(schedule, moment, moment) is None


def test_zone_errors_are_told_apart() -> None:
    with pytest.raises(ScheduleZoneError):
        parse_schedule("nonsense", "Mars/Olympus")
    with pytest.raises(ValueError, match="takes no time zone"):
        parse_schedule("@every 1s", "UTC")


def test_local_zone_is_the_machine_s() -> None:
    schedule = parse_schedule("0 0 12 1 7 *", "Local")
    following = schedule.next_time(START)
    assert following is not None
    assert datetime.fromtimestamp(following // SECOND_NS).hour == 12


NEAR_MISS = st.text(st.sampled_from("0123456789*?-/,jan monMON@: \tZT"), max_size=40)


@given(
    st.one_of(st.text(), NEAR_MISS, NEAR_MISS.map("@every {}".format)),
    st.none() | st.sampled_from([*ZONES, "", "x/../y", "\x00", "Europe"]),
)
def test_garbage_is_refused_or_works(pattern: str, zone: str | None) -> None:
    try:
        schedule = parse_schedule(pattern, zone)
    except ValueError:
        return
    for after in (START, END):
        following = schedule.next_time(after)
        if following is None:
            assert not schedule.repeats or isinstance(schedule, Cron)
            continue
        assert after < following <= TIME_MAX
        assert parse_time_ns(schedule.show(following)) == following // SECOND_NS * SECOND_NS
        if isinstance(schedule, Cron):
            assert matches(schedule, following)


def test_offsets_are_shown_as_the_zone_has_them() -> None:
    schedule = parse_schedule("@hourly", "Asia/Kathmandu")
    assert schedule.show(parse_time_ns("2026-11-24T02:24:14Z")) == "2026-11-24T08:09:14+05:45"
    assert parse_schedule("@hourly", "Europe/London").show(0) == "1970-01-01T01:00:00+01:00"
    assert parse_schedule("@hourly").show(0) == "1970-01-01T00:00:00Z"
