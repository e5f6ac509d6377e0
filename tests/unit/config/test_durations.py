"""Go's notation of durations, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.units import format_duration
from pynats_server.settings.durations import parse_duration, parse_nanoseconds


@given(st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_is_read_back(nanoseconds: int) -> None:
    assert parse_nanoseconds(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0", 0), ("-0", 0), (".5s", 5 * 10**8), ("1.s", 10**9), ("+1h1.9ns", 3600 * 10**9 + 1)],
)
def test_notation(text: str, nanoseconds: int) -> None:
    assert parse_nanoseconds(text) == nanoseconds
    assert parse_duration(text) == nanoseconds / 1e9


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
        parse_nanoseconds(text)
