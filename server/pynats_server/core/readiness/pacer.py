"""Calls back at a time, many together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

# Times are rounded up to this, ns: whoever is held back goes on that often at most, and then with
# all that it may do since.
GRID_NS = 8_000_000


class Pacer:
    """One timer for all that wait. `now` is the clock of the data plane."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[int, list[Callable[[], object]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._slot = 0  # that the timer is set for
        self._closed = False

    def now(self) -> int:
        return time.monotonic_ns()

    def after(self, delay_ns: int, work: Callable[[], object]) -> None:
        """`work()` is called when the time has passed, out of any turn. It must not raise."""
        slot = -(-(self.now() + delay_ns) // GRID_NS)
        waiting = self._due.get(slot)
        if waiting is not None:
            waiting.append(work)
            return
        self._due[slot] = [work]
        if self._timer is None or slot < self._slot:
            self._arm(slot)

    def _arm(self, slot: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._slot = slot
        delay_s = max(0, slot * GRID_NS - self.now()) / 1e9
        self._timer = None if self._closed else self._loop.call_later(delay_s, self._come)

    def _come(self) -> None:
        self._timer = None
        reached = self.now() // GRID_NS
        for slot in sorted(slot for slot in self._due if slot <= reached):
            for work in self._due.pop(slot):
                work()
        if self._due and self._timer is None:
            self._arm(min(self._due))

    def close(self) -> None:
        self._closed = True
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
