"""Two contenders measured in turn, and what that shows.

They take turns A B, B A, A B: whatever grows or falls steadily meanwhile hits both alike. A round
is one run of each; its two figures are a pair (see `ratios`). The first rounds only warm up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pynats_bench.judging.disturbance import is_disturbed
from pynats_bench.judging.ratios import Ratio, median, paired_ratio, spread

A, B = 0, 1
NAMES = ("A", "B")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one load did in one run; latencies in nanoseconds, None where there are none."""

    rate: float
    messages: int
    seconds: float
    p50: int | None = None
    p90: int | None = None
    p99: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one contender: the measured load, then the others that ran beside it.

    `foreign` is the share of the machine that others used, `server_us` the server's CPU time per
    message of the measured load; None where it could not be seen.
    """

    loads: tuple[Figures, ...]
    foreign: float | None = None
    server_us: float | None = None


@dataclass(slots=True)
class Round:
    """One run of each contender; `number` counts from 1, warm-ups have 0."""

    number: int
    order: tuple[int, int]
    runs: dict[int, Run] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.runs) == len(NAMES)

    @property
    def foreign(self) -> float | None:
        """What others used at the most; None if nobody could look."""
        shares = [run.foreign for run in self.runs.values() if run.foreign is not None]
        return max(shares) if shares else None

    @property
    def disturbed(self) -> bool:
        return is_disturbed(self.foreign)


def turns(rounds: int, warm_ups: int) -> Iterator[tuple[Round, int]]:
    """Whose turn it is, and in which round: the runs of a round are for the caller to fill in."""
    for index in range(warm_ups + rounds):
        order = (A, B) if index % 2 == 0 else (B, A)
        current = Round(max(index - warm_ups + 1, 0), order)
        for side in order:
            yield current, side


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure of both contenders: medians, spreads and the ratio A / B. `quiet` is the ratio
    of the rounds that were seen to be quiet, where others were disturbed."""

    medians: tuple[float | None, float | None]
    spreads: tuple[float | None, float | None]
    ratio: Ratio | None
    quiet: Ratio | None = None


def judge(rounds: Sequence[Round], pick: Callable[[Run], float | None]) -> Judged:
    """One figure over the complete rounds that were no warm-up."""
    counted = [each for each in rounds if each.number and each.complete]
    columns = [[pick(each.runs[side]) for each in counted] for side in (A, B)]
    known = [[value for value in column if value is not None] for column in columns]
    disturbed = any(each.disturbed for each in counted)
    calm = [each for each in counted if each.foreign is not None and not each.disturbed]
    return Judged(
        (median(known[A]), median(known[B])),
        (_spread(known[A]), _spread(known[B])),
        _ratio(counted, pick),
        _ratio(calm, pick) if disturbed else None,
    )


def _spread(values: Sequence[float]) -> float | None:
    return spread(values) if median(values) else None


def _ratio(rounds: Sequence[Round], pick: Callable[[Run], float | None]) -> Ratio | None:
    pairs = [(pick(each.runs[A]), pick(each.runs[B])) for each in rounds]
    return paired_ratio([(a, b) for a, b in pairs if a is not None and b is not None])
