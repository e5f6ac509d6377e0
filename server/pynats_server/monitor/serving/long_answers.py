"""How many long answers are under way, and who must go when others wait.

A peer that does not read holds what its answer is made of. A few of them must not keep the others
from being answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pynats_server.monitor.serving.http import Peer
from pynats_server.work import Rotation

AT_ONCE = 8  # long answers under way; other requests for such wait
STUCK_S = 1.0  # without reading, after which a peer must go if others wait
TAKEN_S = 10.0  # for an answer, after which its peer must go if others wait
LOOK_S = 0.25  # between two looks, while others wait


class LongAnswers:
    """Places for long answers. Addresses take turns, so many peers of one keep a place from those
    of another for the time of one answer."""

    def __init__(self) -> None:
        self._turns: Rotation[str, Peer] = Rotation()
        self._waiting: dict[Peer, asyncio.Future[None]] = {}
        self._begun: dict[Peer, float] = {}  # loop time
        self._next_look: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def place_for(self, peer: Peer) -> AsyncIterator[None]:
        """Waits for a place, and holds it."""
        loop = asyncio.get_running_loop()
        turn = self._waiting[peer] = loop.create_future()
        self._turns.add(peer.network, peer)
        self._go_on()
        try:
            if self._waiting and self._next_look is None:
                self._next_look = loop.call_later(LOOK_S, self._look)
            await turn
            yield
        finally:
            if self._begun.pop(peer, None) is None:  # cancelled before its turn
                del self._waiting[peer]
                self._turns.discard(peer.network, peer)
            self._go_on()

    def _go_on(self) -> None:
        now = asyncio.get_running_loop().time()
        while len(self._turns) and len(self._begun) < AT_ONCE:
            _, peer = self._turns.next()
            self._begun[peer] = now
            turn = self._waiting.pop(peer)
            if not turn.done():  # otherwise it is being cancelled, and gives the place back
                turn.set_result(None)

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
        for peer in late[: len(self._waiting)]:
            peer.abort()
        if self._waiting:
            self._next_look = loop.call_later(LOOK_S, self._look)
