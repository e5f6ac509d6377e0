"""RFC 3339 as Go's JSON has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.times import (
    ZERO_TIME,
    format_time_in,
    format_time_ns,
    format_time_s,
    in_utc,
    normalise_time,
    parse_instant_ns,
    parse_time_ns,
)

SECOND_NS = 10**9
YEAR_1_NS = -62_135_596_800 * SECOND_NS
YEAR_10000_NS = 253_402_300_800 * SECOND_NS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (1.5, "1970-01-01T00:00:01.5Z"),
        (1700000000.000001, "2023-11-14T22:13:20.000001Z"),
        (1700000000.12, "2023-11-14T22:13:20.12Z"),
    ],
)
def test_wall_clock_seconds(seconds: float, text: str) -> None:
    assert format_time_s(seconds) == text


@given(st.datetimes(), st.integers(0, 999_999_999), st.sampled_from(["Z", "+02:00", "-23:59"]))
def test_times_are_normalised_once(moment: Any, fraction: int, zone: str) -> None:
    text = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{fraction:09d}{zone}"
    once = normalise_time(text)
    assert normalise_time(once) == once
    assert parse_time_ns(once) == parse_time_ns(text)


def test_every_time_that_is_accepted_can_be_used() -> None:
    year_0 = parse_time_ns(normalise_time("0000-03-01T00:00:00Z"))
    assert year_0 < parse_time_ns("0001-01-02T00:00:00Z")
    day_before = parse_time_ns("0001-01-02T00:00:00Z") - 2 * 86_400 * 10**9
    assert parse_time_ns("0000-12-31T00:00:00Z") == day_before
    assert parse_time_ns(normalise_time("9999-12-31T23:59:59.999999999-23:59")) > 0


@given(st.integers(YEAR_1_NS, YEAR_10000_NS - 1))
def test_a_written_time_is_read_back(time_ns: int) -> None:
    text = format_time_ns(time_ns)
    assert normalise_time(text) == text
    assert parse_time_ns(text) == (0 if text == ZERO_TIME else time_ns)


def test_the_zero_time_is_no_instant_of_interest() -> None:
    assert format_time_ns(0) == ZERO_TIME
    assert parse_time_ns(ZERO_TIME) == 0
    assert parse_time_ns("0001-01-01T01:00:00.0+01:00") == 0
    assert parse_instant_ns(ZERO_TIME) == YEAR_1_NS


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T3:04:05,5000Z", "2026-01-02T03:04:05.5Z"),
        ("2024-02-29T23:59:59.1234567899+00:00", "2024-02-29T23:59:59.123456789Z"),
        ("2026-01-02T03:04:05-00:30", "2026-01-02T03:04:05-00:30"),
        ("2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05+02:00"),
    ],
)
def test_what_is_read_is_written_in_one_form(text: str, written: str) -> None:
    assert normalise_time(text) == written
    assert parse_time_ns(text) == parse_time_ns(written)


LAYOUT = ' as "2006-01-02T15:04:05Z07:00": cannot parse '


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", f'""{LAYOUT}"" as "2006"'),
        ("now", f'"now"{LAYOUT}"now" as "2006"'),
        ("2026-01-02", f'"2026-01-02"{LAYOUT}"" as "T"'),
        ("2026-01-02 03:04:05Z", f'"2026-01-02 03:04:05Z"{LAYOUT}" 03:04:05Z" as "T"'),
        ("2026-01-02T03:04:05", f'"2026-01-02T03:04:05"{LAYOUT}"" as "Z07:00"'),
        ("2026-13-02T03:04:05Z", '"2026-13-02T03:04:05Z": month out of range'),
        ("2026-02-29T03:04:05Z", '"2026-02-29T03:04:05Z": day out of range'),
        ("2026-02-00T03:04:05Z", '"2026-02-00T03:04:05Z": day out of range'),
        ("2026-01-02T24:04:05Z", '"2026-01-02T24:04:05Z": hour out of range'),
        ("2026-01-02T03:60:05Z", '"2026-01-02T03:60:05Z": minute out of range'),
        ("2026-01-02T03:04:60Z", '"2026-01-02T03:04:60Z": second out of range'),
        ("2026-01-02T03:04:05+25:00", '"2026-01-02T03:04:05+25:00": time zone offset hour out of'),
        ("2026-01-02T03:04:05+01:61", '"2026-01-02T03:04:05+01:61": time zone offset minute out'),
        ("2026-01-02T03:04:05Zé", '"2026-01-02T03:04:05Z\\xc3\\xa9": extra text: "\\xc3\\xa9"'),
    ],
)
def test_what_is_no_time_is_refused_in_words_of_go(text: str, complaint: str) -> None:
    for read in (normalise_time, parse_instant_ns, parse_time_ns):
        with pytest.raises(ValueError, match=r"\Aparsing time ") as caught:
            read(text)
        assert str(caught.value).startswith(f"parsing time {complaint}")


def test_an_offset_of_a_day_can_be_read_but_not_written() -> None:
    text = "2026-01-03T00:00:00+24:00"
    assert parse_instant_ns(text) == parse_instant_ns("2026-01-02T00:00:00Z")
    with pytest.raises(ValueError, match="time zone offset hour out of range"):
        normalise_time(text)


@given(st.text(alphabet="0123456789-:T.,Z+ ", max_size=40))
def test_any_text_is_a_time_or_has_a_complaint(text: str) -> None:
    try:
        written = normalise_time(text)
    except ValueError as error:
        assert str(error).startswith("parsing time ")
    else:
        assert parse_instant_ns(written) == parse_instant_ns(text)


@given(st.integers(YEAR_1_NS + 86_400 * SECOND_NS, YEAR_10000_NS - 86_401 * SECOND_NS),
       st.integers(-1439, 1439))  # fmt: skip
def test_a_time_in_a_zone_is_the_same_time_to_the_second(time_ns: int, minutes: int) -> None:
    text = format_time_in(time_ns, timezone(timedelta(minutes=minutes)))
    assert parse_instant_ns(text) == time_ns // SECOND_NS * SECOND_NS
    assert text.endswith("Z") == (minutes == 0)


def test_the_local_zone() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    text = format_time_in(int(moment) * SECOND_NS, None)
    assert parse_instant_ns(text) == int(moment) * SECOND_NS
    assert (
        datetime.fromisoformat(text).utcoffset()
        == datetime.fromtimestamp(moment).astimezone().utcoffset()
    )


def test_times_lose_their_offset() -> None:
    for text, wanted in (
        ("2020-01-01T00:00:00+02:00", "2019-12-31T22:00:00Z"),
        ("2020-01-01T00:00:00.12-00:30", "2020-01-01T00:30:00.12Z"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z"),
        ("0001-01-01T02:00:00+02:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59-01:00"),
    ):
        assert in_utc(text) == wanted
