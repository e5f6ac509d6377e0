"""Whether the event loop ran all the time.

A question at the terminal and an editor hold it, as they hold the user; a server that gets no
answer to its PING meanwhile gives the connection up.
"""

from __future__ import annotations

import asyncio

STILL_S = 5.0
_BEAT_S = 1.0


class Pulse:
    """Beats while the loop runs."""

    def __init__(self) -> None:
        self._last = 0.0
        self._stood = False
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._last = loop.time()
        self._next = loop.call_later(_BEAT_S, self._beat)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def stood_still(self) -> bool:
        """Whether the loop stood still for long since this was asked before."""
        if self._next is None:
            return False
        self._look()
        stood, self._stood = self._stood, False
        return stood

    def _beat(self) -> None:
        self._look()
        self._next = asyncio.get_running_loop().call_later(_BEAT_S, self._beat)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        self._stood = self._stood or now - self._last > STILL_S
        self._last = now
