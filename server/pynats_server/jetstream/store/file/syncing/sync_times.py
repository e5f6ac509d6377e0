"""How long fsyncs take: the part of an acknowledgement's time that belongs to the disk."""

from __future__ import annotations

from bisect import bisect_left

# The last bucket, without a bound, is not named.
BOUNDS_S = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
)  # fmt: skip


class SyncTimes:
    """A histogram: `counts[i]` fsyncs took at most BOUNDS_S[i] seconds and more than the bound
    before."""

    __slots__ = ("counts", "total_seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_seconds = 0.0

    def add(self, seconds: float) -> None:
        """One more fsync."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_seconds += seconds
