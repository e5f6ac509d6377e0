"""Monotonic times as wall clock times."""

from __future__ import annotations

import time

from pynats_common.go.durations import SECOND_NS


class WallClock:
    """Turns monotonic times into wall clock times. The difference of the two clocks is kept as
    long as it holds, so that the same moment is shown the same way every time."""

    _TOLERANCE_NS = 1_000_000

    def __init__(self) -> None:
        self._difference = time.time_ns() - time.monotonic_ns()

    def at(self, monotonic_ns: int) -> float:
        """Wall clock seconds of a monotonic time in ns."""
        difference = time.time_ns() - time.monotonic_ns()
        if abs(difference - self._difference) > self._TOLERANCE_NS:
            self._difference = difference
        return (monotonic_ns + self._difference) / SECOND_NS
