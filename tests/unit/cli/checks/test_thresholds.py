"""Thresholds: which side is bad, contradictions, and thresholds that were not set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.servers.checks.result import Status
from pynats_cli.servers.checks.thresholds import InvalidThresholds, Thresholds

OK, WARNING, CRITICAL = Status.OK, Status.WARNING, Status.CRITICAL
numbers = st.integers(0, 100)
maybe = st.none() | numbers


@pytest.mark.parametrize(
    ("warning", "critical", "value", "status"),
    [
        (3, 10, 3, WARNING), (3, 10, 10, CRITICAL), (3, 10, 2, OK),
        (10, 4, 3, CRITICAL), (10, 2, 3, WARNING), (10, 2, 11, OK),
        (2, 2, 3, CRITICAL), (None, 1, 13, CRITICAL), (None, 10, 3, OK),
        (10, None, 3, WARNING), (1, None, 3, OK), (None, None, 3, OK),
    ],
)  # fmt: skip
def test_a_lower_critical_threshold_means_too_few(
    warning: int | None, critical: int | None, value: int, status: Status
) -> None:
    assert Thresholds(warning, critical).either_way(value) is status


def test_contradictions_are_refused_where_only_one_side_is_bad() -> None:
    with pytest.raises(InvalidThresholds, match="invalid thresholds"):
        Thresholds(90, 50).too_many(1)
    with pytest.raises(InvalidThresholds, match="invalid thresholds"):
        Thresholds(5, 10).too_few(1)
    assert Thresholds(50, 50).too_many(50) is CRITICAL
    assert Thresholds(5, 5).too_few(5) is CRITICAL


@given(maybe, maybe, numbers)
def test_what_was_not_set_takes_no_part(
    warning: int | None, critical: int | None, value: int
) -> None:
    status = Thresholds(warning, critical).fewer(value)
    assert (status is CRITICAL) == (critical is not None and value <= critical)
    if status is WARNING:
        assert warning is not None
        assert value <= warning


@given(numbers, numbers, numbers, numbers)
def test_more_is_never_better_when_many_are_bad(
    low: int, more: int, value: int, growth: int
) -> None:
    limits = Thresholds(low, low + more)
    assert limits.too_many(value) <= limits.too_many(value + growth)
