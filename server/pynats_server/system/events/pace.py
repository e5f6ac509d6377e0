"""When a server tells how it is: often after its start, then less and less."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.25  # after the start
GAP_S: Final = 1.0  # after the first; each is twice the one before
GAP_MAX_S: Final = 10.0


class Pace:
    """Calls `tell()` from `start` on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[], None]) -> None:
        self._loop = loop
        self._tell = tell
        self._gap_s = GAP_S
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """The first time is soon."""
        self._timer = self._loop.call_later(FIRST_S, self._next)

    def stop(self) -> None:
        """It is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _next(self) -> None:
        self._timer = self._loop.call_later(self._gap_s, self._next)
        self._gap_s = min(2 * self._gap_s, GAP_MAX_S)
        self._tell()
