"""Medians, and the ratio of two contenders with its confidence interval.

Two contenders are measured in pairs, one right after the other, so that both see the same minute
of the machine. The logarithms of the pairs' ratios are taken to be normally distributed (a rate is
a product of many influences), their mean is the logarithm of the ratio, and Student's t gives the
interval: with the few rounds that anybody waits for, a bootstrap would give one that is too narrow.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


def ratio_of(first: float | None, second: float | None) -> float | None:
    """first / second; None without both."""
    return first / second if first is not None and second else None


def median(values: Sequence[float]) -> float | None:
    """The median; None without values."""
    return statistics.median(values) if values else None


def spread(values: Sequence[float]) -> float | None:
    """(largest - smallest) / median, or None with fewer than two values."""
    if len(values) < 2:
        return None
    return (max(values) - min(values)) / statistics.median(values)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as large the first contender's figures are. `low` and `high` bound it with
    the confidence asked for; they are None when a single pair was measured."""

    value: float
    low: float | None
    high: float | None
    pairs: int

    @property
    def shown(self) -> bool:
        """Whether the figures show a difference at all: 1 is outside of the interval."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


def paired_ratio(
    pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE
) -> Ratio | None:
    """The ratio first / second over pairs that were measured together; None without pairs of
    figures above 0."""
    logs = [math.log(first / second) for first, second in pairs if first > 0 and second > 0]
    if not logs:
        return None
    middle = statistics.fmean(logs)
    if len(logs) < 2:
        return Ratio(math.exp(middle), None, None, 1)
    reach = student_t(confidence, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return Ratio(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach), len(logs))


def student_t(confidence: float, freedom: int) -> float:
    """How far from 0 Student's t with so many degrees of freedom is at most, either side, with the
    given probability."""
    if not 0 < confidence < 1 or freedom < 1:
        raise ValueError(f"no such t: confidence {confidence}, degrees of freedom {freedom}")
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        if _inside(angle, freedom) < confidence:
            low = angle
        else:
            high = angle
    return math.tan((low + high) / 2) * math.sqrt(freedom)


def _inside(angle: float, freedom: int) -> float:
    """Probability that |t| <= tan(angle) * sqrt(freedom): for whole degrees of freedom a finite
    sum of powers of the cosine (Abramowitz and Stegun 26.7.3, 26.7.4)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for power in range(1 + odd, freedom - 2, 2):
        term *= cosine * cosine * power / (power + 1)
        total += term
    total *= sine
    return (angle + total) * 2 / math.pi if odd else total
