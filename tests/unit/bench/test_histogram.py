"""The histogram against sorted lists: what is exact is exact, quantiles are within their cell."""

from __future__ import annotations

import math
import statistics

from hypothesis import given
from hypothesis import strategies as st
from pynats_bench.clients.histogram import Histogram
from pynats_bench.engine.histogram import Recorder

ERROR = 1 / 128

nanoseconds = st.one_of(
    st.integers(0, 300), st.integers(0, 10**6), st.integers(0, 10**12), st.integers(0, 2**63)
)


def counted(values: list[int]) -> Histogram:
    recorder = Recorder()
    for value in values:
        recorder.record(value)
    return Histogram.of(recorder.snapshot())


@given(st.lists(nanoseconds, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_that_of_the_sorted_values_within_a_cell(
    values: list[int], fraction: float
) -> None:
    histogram = counted(values)
    exact = sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]
    assert exact <= histogram.quantile(fraction) <= exact * (1 + ERROR)


@given(st.lists(st.integers(0, 2**55), min_size=1, max_size=200))
def test_extremes_mean_and_deviation_are_exact(values: list[int]) -> None:
    histogram = counted(values)
    assert histogram.count == len(values)
    assert (histogram.minimum, histogram.maximum) == (min(values), max(values))
    assert histogram.sum == sum(values)
    assert histogram.squares == sum(value**2 for value in values)
    assert math.isclose(histogram.stddev, statistics.pstdev(values), rel_tol=1e-9, abs_tol=1e-9)


@given(st.lists(nanoseconds, max_size=50), st.lists(nanoseconds, max_size=50))
def test_merged_is_what_both_had_counted(one: list[int], other: list[int]) -> None:
    one = [value >> 8 for value in one]  # the sum of all fits its 64 bits
    other = [value >> 8 for value in other]
    assert counted(one).merged(counted(other)) == counted(one + other)


def test_many_operations_of_one_duration_are_counted_at_once() -> None:
    recorder = Recorder()
    recorder.record(70, 900)
    recorder.record(1_000_000, 100)
    histogram = Histogram.of(recorder.snapshot())
    assert histogram.count == 1_000
    assert histogram.quantile(0.5) == histogram.quantile(0.9) == 70
    assert histogram.quantile(0.999) == 1_000_000
    assert histogram.to_json()["mean"] == (70 * 900 + 1_000_000 * 100) / 1_000


def test_of_nothing_everything_is_zero() -> None:
    nothing = Histogram()
    assert (nothing.count, nothing.quantile(0.5), nothing.mean, nothing.stddev) == (0, 0, 0, 0)
    assert set(nothing.to_json().values()) == {0}


@given(st.lists(nanoseconds, max_size=50), st.lists(nanoseconds, max_size=50))
def test_what_came_since_an_earlier_time(before: list[int], after: list[int]) -> None:
    before = [value >> 8 for value in before]
    after = [value >> 8 for value in after]
    whole = counted(before + after)
    since, exact = whole.since(counted(before)), counted(after)
    assert since.cells == exact.cells
    assert (since.count, since.sum, since.squares) == (exact.count, exact.sum, exact.squares)
    assert since.merged(counted(before)).count == whole.count
    if after:
        assert min(after) * (1 - ERROR) <= since.minimum <= min(after)
        assert max(after) <= since.maximum <= max(after) * (1 + ERROR)
    assert whole.since(whole) == Histogram()
