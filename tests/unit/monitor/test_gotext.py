"""Times, durations and numbers in Go's notation."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.monitor import gotext


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (1.5, "1970-01-01T00:00:01.5Z"),
        (1700000000.000001, "2023-11-14T22:13:20.000001Z"),
        (1700000000.12, "2023-11-14T22:13:20.12Z"),
    ],
)
def test_timestamp(seconds: float, text: str) -> None:
    assert gotext.timestamp(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0.99, "0s"),
        (61, "1m1s"),
        (3600, "1h0m0s"),
        (93784, "1d2h3m4s"),
        (86400, "1d0h0m0s"),
        (31_536_000 + 1, "1y0d0h0m1s"),
    ],
)
def test_uptime(seconds: float, text: str) -> None:
    assert gotext.uptime(seconds) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (999, "0s"),
        (968_400, "968µs"),
        (1_234_567, "1.234ms"),
        (20_000_000, "20ms"),
        (2_500_000_000, "2.5s"),
        (60_500_000_000, "1m0.5s"),
        (3_600_000_000_000, "1h0m0s"),
    ],
)
def test_duration(nanoseconds: int, text: str) -> None:
    assert gotext.duration(nanoseconds) == text


def test_whole_numbers_have_no_fraction() -> None:
    assert repr(gotext.number(2.0)) == "2"
    assert repr(gotext.number(0.5)) == "0.5"


@given(st.integers(-(2**70), 2**70))
def test_integers_are_refused_exactly_outside_their_range(value: int) -> None:
    for parse, least, most in (
        (gotext.parse_int, -(2**63), 2**63 - 1),
        (gotext.parse_uint, 0, 2**64 - 1),
    ):
        if least <= value <= most:
            assert parse(str(value)) == value
        else:
            with pytest.raises(ValueError, match=r"value out of range|invalid syntax"):
                parse(str(value))


@given(st.text())
def test_any_text_is_a_number_or_a_clear_error(text: str) -> None:
    for parse in (gotext.parse_int, gotext.parse_uint, gotext.parse_bool):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith("strconv.")
            assert str(error).isprintable()


def test_a_very_long_number_is_out_of_range() -> None:
    with pytest.raises(ValueError, match="out of range"):
        gotext.parse_int("9" * 100_000)
    assert gotext.parse_int("0" * 100_000 + "7") == 7


def test_the_same_moment_is_always_shown_the_same() -> None:
    clock = gotext.WallClock()
    moment = time.monotonic_ns()
    assert clock.at(moment) == clock.at(moment)
    assert abs(clock.at(moment) - time.time()) < 5
