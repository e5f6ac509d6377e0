"""Durations and sizes: texts of the real tools, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common import units


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("-0", 0),
        ("250ms", 250 * units.MILLISECOND),
        ("1h2m3.5s", units.HOUR + 2 * units.MINUTE + 3_500 * units.MILLISECOND),
        ("1d3h5m2s", units.DAY + 3 * units.HOUR + 5 * units.MINUTE + 2 * units.SECOND),
        ("1D", units.DAY),
        ("2w", 14 * units.DAY),
        ("1M", 30 * units.DAY),
        ("1m", units.MINUTE),
        ("1y", 365 * units.DAY),
        ("1Y1W", 372 * units.DAY),
        ("1.5h", 90 * units.MINUTE),
        (".5s", 500 * units.MILLISECOND),
        ("1.s", units.SECOND),
        ("100us", 100_000),
        ("100µs", 100_000),
        ("100μs", 100_000),
        ("1ns", 1),
        ("0.3ns", 0),
        ("-5s", -5 * units.SECOND),
        ("+5s", 5 * units.SECOND),
        (" 5s ", 5 * units.SECOND),
    ],
)
def test_durations_are_parsed(text: str, nanoseconds: int) -> None:
    assert units.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "-", "5", "s", "5x", "1h 2m", "1..5s", ".s", "--5s", "1e3s", "300y", "1S", "٣s"]
)
def test_bad_durations_are_refused_with_the_text_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (64_996, "64.996µs"),
        (41_560_815, "41.560815ms"),
        (units.SECOND, "1s"),
        (2 * units.MINUTE, "2m0s"),
        (67 * units.MINUTE, "1h7m0s"),
        (31 * units.MINUTE + 42 * units.SECOND, "31m42s"),
        (units.HOUR, "1h0m0s"),
        (100 * units.HOUR + 500 * units.MILLISECOND, "100h0m0.5s"),
        (-1_500 * units.MILLISECOND, "-1.5s"),
    ],
)
def test_durations_are_written_in_go_form(nanoseconds: int, text: str) -> None:
    assert units.format_duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (units.DURATION_MAX, "never"),
        (245_499, "245µs"),
        (245_500, "246µs"),
        (12_400_000, "12ms"),
        (999_999_999, "1s"),
        (1_500 * units.MILLISECOND, "1.50s"),
        (61 * units.SECOND, "1m1s"),
        (units.DAY + units.SECOND, "1d0h0m1s"),
        (units.YEAR + 2 * units.DAY + 3 * units.HOUR, "1y2d3h0m0s"),
    ],
)
def test_durations_on_screens_are_short(nanoseconds: int, text: str) -> None:
    assert units.human_duration(nanoseconds) == text


@given(st.integers(-units.DURATION_MAX, units.DURATION_MAX))
def test_a_written_duration_reads_back_exactly(nanoseconds: int) -> None:
    assert units.parse_duration(units.format_duration(nanoseconds)) == nanoseconds


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        value = units.parse_duration(text)
    except ValueError:
        return
    assert abs(value) <= units.DURATION_MAX
    assert units.parse_duration(units.format_duration(value)) == value


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", -1),
        ("-1", -1),
        ("-5GB", -1),
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("1K", 1024),
        ("1kb", 1024),
        ("1KiB", 1024),
        ("1.5m", 1572864),
        ("2 GiB", 2 * 1024**3),
        ("1T", 1024**4),
    ],
)
def test_sizes_are_parsed(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["x", "1X", "1iB", "1.2.3K", "K", "1KK", "- 5", "99999999999E"])
def test_bad_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        units.parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (16, "16 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (571392, "558 KiB"),
        (1024**2, "1.0 MiB"),
        (int(8.9 * 1024**2), "8.9 MiB"),
        (14 * 1024**2, "14 MiB"),
        (1536 * 1024**2, "1.5 GiB"),
        (1024**5, "1.0 PiB"),
    ],
)
def test_sizes_are_written_with_one_decimal_below_ten(size: int, text: str) -> None:
    assert units.format_size(size) == text


@given(st.integers(0, 7 * 1024**6))
def test_a_written_size_reads_back_within_its_rounding(size: int) -> None:
    back = units.parse_size(units.format_size(size))
    assert abs(back - size) <= max(size * 0.06, 0)
