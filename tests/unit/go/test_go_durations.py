"""Durations: Go's notation exactly, the longer one of command lines, and texts for screens."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.durations import (
    DAY_NS,
    DURATION_MAX_NS,
    HOUR_NS,
    MILLISECOND_NS,
    MINUTE_NS,
    SECOND_NS,
    YEAR_NS,
    format_duration_ns,
    format_duration_s,
    human_duration_ns,
    parse_duration_ns,
    parse_duration_s,
    parse_long_duration_ns,
    rtt_ns,
    span_text,
)


@given(st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_is_read_back(nanoseconds: int) -> None:
    assert parse_duration_ns(format_duration_ns(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0", 0), ("-0", 0), (".5s", 5 * 10**8), ("1.s", 10**9), ("+1h1.9ns", 3600 * 10**9 + 1)],
)
def test_notation(text: str, nanoseconds: int) -> None:
    assert parse_duration_ns(text) == nanoseconds
    assert parse_duration_s(text) == nanoseconds / 1e9


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid duration"),
        ("-", "invalid duration"),
        (".s", "invalid duration"),
        ("1", "missing unit"),
        ("1.2.3s", "missing unit"),
        ("1d", 'unknown unit "d"'),
        ("1 s", 'unknown unit " s"'),
        ("9223372036854775808ns", "invalid duration"),
        ("٣s", "invalid duration"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_duration_ns(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h2m3.5s", 3723.5),
        ("250ms", 0.25),
        ("-5s", -5.0),
        ("+.5s", 0.5),
        ("0", 0.0),
        ("5us", 5e-6),
    ],
)
def test_durations_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", ".s", "1x", "1 s", "-", "1s-", "9999999999h"])
def test_bad_durations_in_seconds(text: str) -> None:
    with pytest.raises(ValueError, match="time: "):
        parse_duration_s(text)


@given(st.integers(-(10**17), 10**17))
def test_shown_seconds_can_be_read_again(nanos: int) -> None:
    seconds = nanos / 1e9
    back = parse_duration_s(format_duration_s(seconds))
    assert math.isclose(back, seconds, abs_tol=1e-9, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("-0", 0),
        ("250ms", 250 * MILLISECOND_NS),
        ("1h2m3.5s", HOUR_NS + 2 * MINUTE_NS + 3_500 * MILLISECOND_NS),
        ("1d3h5m2s", DAY_NS + 3 * HOUR_NS + 5 * MINUTE_NS + 2 * SECOND_NS),
        ("1D", DAY_NS),
        ("2w", 14 * DAY_NS),
        ("1M", 30 * DAY_NS),
        ("1m", MINUTE_NS),
        ("1y", 365 * DAY_NS),
        ("1Y1W", 372 * DAY_NS),
        ("1.5h", 90 * MINUTE_NS),
        (".5s", 500 * MILLISECOND_NS),
        ("1.s", SECOND_NS),
        ("100us", 100_000),
        ("100µs", 100_000),
        ("100μs", 100_000),
        ("1ns", 1),
        ("0.3ns", 0),
        ("-5s", -5 * SECOND_NS),
        ("+5s", 5 * SECOND_NS),
        (" 5s ", 5 * SECOND_NS),
    ],
)
def test_long_durations_are_parsed(text: str, nanoseconds: int) -> None:
    assert parse_long_duration_ns(text) == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "-", "5", "s", "5x", "1h 2m", "1..5s", ".s", "--5s", "1e3s", "300y", "1S", "٣s"]
)
def test_bad_long_durations_are_refused_with_their_text(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_long_duration_ns(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (64_996, "64.996µs"),
        (41_560_815, "41.560815ms"),
        (SECOND_NS, "1s"),
        (2 * MINUTE_NS, "2m0s"),
        (67 * MINUTE_NS, "1h7m0s"),
        (31 * MINUTE_NS + 42 * SECOND_NS, "31m42s"),
        (HOUR_NS, "1h0m0s"),
        (100 * HOUR_NS + 500 * MILLISECOND_NS, "100h0m0.5s"),
        (-1_500 * MILLISECOND_NS, "-1.5s"),
    ],
)
def test_durations_are_written_in_go_form(nanoseconds: int, text: str) -> None:
    assert format_duration_ns(nanoseconds) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (DURATION_MAX_NS, "never"),
        (245_499, "245µs"),
        (245_500, "246µs"),
        (12_400_000, "12ms"),
        (999_999_999, "1s"),
        (1_500 * MILLISECOND_NS, "1.50s"),
        (61 * SECOND_NS, "1m1s"),
        (DAY_NS + SECOND_NS, "1d0h0m1s"),
        (YEAR_NS + 2 * DAY_NS + 3 * HOUR_NS, "1y2d3h0m0s"),
    ],
)
def test_durations_on_screens_are_short(nanoseconds: int, text: str) -> None:
    assert human_duration_ns(nanoseconds) == text


@given(st.integers(-DURATION_MAX_NS, DURATION_MAX_NS))
def test_a_written_duration_is_a_long_one_too(nanoseconds: int) -> None:
    assert parse_long_duration_ns(format_duration_ns(nanoseconds)) == nanoseconds


@given(st.text(max_size=12))
def test_any_text_is_a_long_duration_or_a_value_error(text: str) -> None:
    try:
        value = parse_long_duration_ns(text)
    except ValueError:
        return
    assert abs(value) <= DURATION_MAX_NS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0, "0s"),
        (61, "1m1s"),
        (3600, "1h0m0s"),
        (93784, "1d2h3m4s"),
        (86400, "1d0h0m0s"),
        (31_536_000 + 1, "1y0d0h0m1s"),
    ],
)
def test_spans(seconds: int, text: str) -> None:
    assert span_text(seconds) == text


@given(st.integers(0, DURATION_MAX_NS // SECOND_NS))
def test_a_span_is_a_long_duration(seconds: int) -> None:
    assert parse_long_duration_ns(span_text(seconds)) == seconds * SECOND_NS


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        (0, 0), (1, 1), (999, 999), (1_000, 1_000), (1_001, 1_000), (215_999, 215_000),
        (999_999, 999_000), (1_000_001, 1_000_001), (4_544_546, 4_544_546),
    ],
)  # fmt: skip
def test_short_round_trips_are_told_in_microseconds(measured: int, told: int) -> None:
    assert rtt_ns(measured) == told
