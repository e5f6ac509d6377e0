"""How measured times are distributed, exactly, and the files that other programs draw it from."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = (10, 50, 75, 90, 99, 99.9, 99.99, 99.999, 99.9999, 99.99999, 100)
_PLOTTED = (10, 25, *SHOWN[1:])
_NS_PER_MS = 1e6
_LAST_INVERSE = 10_000_000.0
"""In place of 1/(1-1) in the file's last line."""


def rank(count: int, percentile: float) -> int:
    """How many of `count` values a percentile covers, at least one."""
    return min(count, max(1, int(percentile / 100 * count + 0.5)))


def at(ordered: Sequence[int], percentile: float) -> int:
    """The value at a percentile of sorted values; 0 without any."""
    return ordered[rank(len(ordered), percentile) - 1] if ordered else 0


def raw_text(values: Sequence[int]) -> str:
    """Milliseconds of each value, a line each, in their order."""
    return "".join(f"{value / _NS_PER_MS:f}\n" for value in values)


def histogram_text(ordered: Sequence[int]) -> str:
    """The distribution in milliseconds, in the form that HdrHistogram's plotters read."""
    lines = ["Value    Percentile    TotalCount    1/(1-Percentile)", ""]
    for percentile in _PLOTTED:
        part = percentile / 100
        inverse = 1 / (1 - part) if part < 1 else _LAST_INVERSE
        covered = rank(len(ordered), percentile)
        value = at(ordered, percentile) / _NS_PER_MS
        lines.append(f"{value:f}    {part:f}        {covered}            {inverse:f}")
    return "\n".join(lines) + "\n"
