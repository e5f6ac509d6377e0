"""How long operations took: the engine's counts as a value that can be read, merged and printed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

STEPS = 128  # cells per power of two, as the engine counts (`engine/histogram.pxd`)
Snapshot = tuple[int, int, int, int, dict[int, int]]  # the fields below, as the engine gives them
PERCENTILES = (0.5, 0.9, 0.99, 0.999)


def _edge(cell: int) -> int:
    """The largest value that a cell counts."""
    shift = 0 if cell < 2 * STEPS else cell // STEPS - 1
    return ((cell - shift * STEPS + 1) << shift) - 1


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations in nanoseconds. Extremes, sum and deviation are exact, quantiles to 0.8 %."""

    minimum: int = 0
    maximum: int = 0
    sum: int = 0
    squares: int = field(default=0, repr=False)
    cells: dict[int, int] = field(default_factory=dict, repr=False)
    count: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", sum(self.cells.values()))

    @classmethod
    def of(cls, snapshot: Snapshot) -> Histogram:
        """From what a loop or a `Recorder` has counted."""
        return cls(*snapshot)

    @property
    def mean(self) -> float:
        return self.sum / self.count if self.count else 0.0

    @property
    def stddev(self) -> float:
        """Of all values that were counted, not an estimate for others."""
        if not self.count:
            return 0.0
        return math.sqrt(max(self.squares * self.count - self.sum**2, 0)) / self.count

    def quantile(self, fraction: float) -> int:
        """The smallest value that at least `fraction` of the values do not exceed."""
        rank, seen = max(1, math.ceil(fraction * self.count)), 0
        for cell in sorted(self.cells):
            seen += self.cells[cell]
            if seen >= rank:
                return max(self.minimum, min(_edge(cell), self.maximum))
        return 0

    def merged(self, other: Histogram) -> Histogram:
        """Both together."""
        if not self.count or not other.count:
            return self if self.count else other
        cells = dict(self.cells)
        for cell, times in other.cells.items():
            cells[cell] = cells.get(cell, 0) + times
        return Histogram(
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            self.sum + other.sum,
            self.squares + other.squares,
            cells,
        )

    def since(self, earlier: Histogram) -> Histogram:
        """What was counted after `earlier`, the same counts at another time. Its extremes are as
        exact as its quantiles."""
        cells = {
            cell: times - before
            for cell, times in self.cells.items()
            if times > (before := earlier.cells.get(cell, 0))
        }
        if not cells:
            return Histogram()
        return Histogram(
            max(_edge(min(cells) - 1) + 1 if min(cells) else 0, self.minimum),
            min(_edge(max(cells)), self.maximum),
            self.sum - earlier.sum,
            self.squares - earlier.squares,
            cells,
        )

    def to_json(self) -> dict[str, float]:
        """Its figures in nanoseconds."""
        figures: dict[str, float] = {
            "count": self.count,
            "min": self.minimum,
            "max": self.maximum,
            "mean": self.mean,
            "stddev": self.stddev,
        }
        return figures | {
            f"p{fraction * 100:g}": self.quantile(fraction) for fraction in PERCENTILES
        }


def all_together(parts: Iterable[Histogram | None]) -> Histogram | None:
    """What all have counted; None when there is nothing."""
    known = [part for part in parts if part is not None and part.count]
    return reduce(Histogram.merged, known) if known else None
