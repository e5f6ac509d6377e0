"""How many long answers are under way, and who must go when others wait.

A peer that does not read holds what its answer is made of. A few of them must not keep the others
from being answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pynats_server.monitor.http import Peer

AT_ONCE = 8  # long answers under way; other requests for such wait
STUCK_S = 1.0  # without reading, after which a peer must go if others wait
TAKEN_S = 10.0  # for an answer, after which its peer must go if others wait
LOOK_S = 0.25  # between two looks, while others wait


class LongAnswers:
    """Places for long answers."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._begun: dict[Peer, float] = {}  # loop time
        self._waiting = 0
        self._next_look: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def place_for(self, peer: Peer) -> AsyncIterator[None]:
        """Waits for a place, and holds it."""
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            if self._places.locked() and self._next_look is None:
                self._next_look = loop.call_later(LOOK_S, self._look)
            await self._places.acquire()
        finally:
            self._waiting -= 1
        self._begun[peer] = loop.time()
        try:
            yield
        finally:
            del self._begun[peer]
            self._places.release()

    def _look(self) -> None:
        """Cuts those that keep others waiting."""
        loop = asyncio.get_running_loop()
        self._next_look = None
        now = loop.time()
        late = [
            peer
            for peer, begun in self._begun.items()
            if now - begun > TAKEN_S
            or (peer.stuck_since is not None and now - peer.stuck_since > STUCK_S)
        ]
        for peer in late[: self._waiting]:
            peer.abort()
        if self._waiting:
            self._next_look = loop.call_later(LOOK_S, self._look)
