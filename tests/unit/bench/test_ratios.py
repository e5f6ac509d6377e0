"""Ratios of paired figures: against published tables, and what holds for all figures."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_bench.judging.ratios import median, paired_ratio, ratio_of, spread, student_t

rates = st.floats(1.0, 1e9)
pairs_of_rates = st.lists(st.tuples(rates, rates), min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("confidence", "freedom", "quantile"),
    [
        (0.95, 1, 12.706), (0.95, 2, 4.303), (0.95, 3, 3.182), (0.95, 6, 2.447),
        (0.95, 11, 2.201), (0.95, 30, 2.042), (0.95, 120, 1.980), (0.99, 1, 63.657),
        (0.99, 4, 4.604), (0.99, 9, 3.250), (0.90, 7, 1.895), (0.50, 5, 0.727),
    ],
)  # fmt: skip
def test_student_t_is_that_of_the_tables(confidence: float, freedom: int, quantile: float) -> None:
    assert student_t(confidence, freedom) == pytest.approx(quantile, abs=0.0006)


@pytest.mark.parametrize(("confidence", "freedom"), [(0.95, 0), (0.0, 3), (1.0, 3)])
def test_student_t_is_asked_for_what_there_is(confidence: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="no such t"):
        student_t(confidence, freedom)


def test_a_ratio_worked_out_by_hand() -> None:
    # Logarithms of the ratios: ln 2, ln 2.2, ln 1.8; mean 0.68979, deviation 0.10039.
    ratio = paired_ratio([(200, 100), (220, 100), (180, 100)])
    assert ratio is not None
    assert ratio.pairs == 3
    assert ratio.value == pytest.approx(1.99330, abs=1e-4)
    assert ratio.low == pytest.approx(1.5533, abs=1e-3)
    assert ratio.high == pytest.approx(2.5579, abs=1e-3)
    assert ratio.shown


def test_without_enough_pairs_there_is_no_interval() -> None:
    assert paired_ratio([]) is None
    assert paired_ratio([(0.0, 5.0), (5.0, 0.0)]) is None
    one = paired_ratio([(30.0, 20.0)])
    assert one is not None
    assert (one.value, one.low, one.high, one.shown) == (pytest.approx(1.5), None, None, False)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    source = random.Random(7)
    held = 0
    for _ in range(1_000):
        pairs = []
        for _ in range(6):
            drift = source.lognormvariate(0, 0.5)  # of the machine: both of a pair see it
            pairs.append(
                (drift * 110 * source.lognormvariate(0, 0.05),
                 drift * 100 * source.lognormvariate(0, 0.05))
            )  # fmt: skip
        ratio = paired_ratio(pairs)
        assert ratio is not None and ratio.low is not None and ratio.high is not None
        held += ratio.low <= 1.1 <= ratio.high
    assert 930 <= held <= 970


@given(pairs_of_rates)
def test_changed_sides_give_the_inverse(pairs: list[tuple[float, float]]) -> None:
    ratio, other = paired_ratio(pairs), paired_ratio([(b, a) for a, b in pairs])
    assert ratio is not None and ratio.low is not None and ratio.high is not None
    assert other is not None and other.low is not None and other.high is not None
    assert ratio.low <= ratio.value * (1 + 1e-12) and ratio.value <= ratio.high * (1 + 1e-12)
    assert math.log(other.value) == pytest.approx(-math.log(ratio.value), abs=1e-9)
    if ratio.high < 1e100:
        assert math.log(other.low) == pytest.approx(-math.log(ratio.high), abs=1e-6)


def test_plain_figures() -> None:
    assert median([]) is None
    assert median([3.0, 1.0, 2.0]) == statistics.median([3.0, 1.0, 2.0])
    assert spread([5.0]) is None
    assert spread([9.0, 10.0, 12.0]) == pytest.approx(0.3)
    assert ratio_of(3.0, 2.0) == 1.5
    assert ratio_of(None, 2.0) is None
    assert ratio_of(1.0, 0.0) is None
