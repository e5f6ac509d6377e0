"""Lame duck mode: shutdown without a reconnect storm
(docs.nats.io/running-a-nats-service/nats_admin/lame_duck_mode)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from pynats_server.core.reasons import CloseReason
from pynats_server.server.info import InfoMessage
from pynats_server.server.state import ServerState

INTERVAL_MAX_S = 1.0  # between two closes
INTERVAL_MIN_S = 0.001  # below, several connections are closed at once


class LameDuck:
    """The lame duck mode of one server; call `start()` once. It calls `shutdown` at the end."""

    def __init__(
        self, state: ServerState, info: InfoMessage, shutdown: Callable[[], Awaitable[None]]
    ) -> None:
        self._state = state
        self._info = info
        self._shutdown = shutdown
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins; the listener must be closed before."""
        self._info.lame_duck = True
        self._info.broadcast()
        self._task = asyncio.ensure_future(self._run())

    def cancel(self) -> None:
        """Cancels it when the server shuts down for another reason."""
        task = self._task
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _run(self) -> None:
        options = self._state.options
        if self._state.clients():
            await asyncio.sleep(options.lame_duck_grace_period)
            await self._close_clients(options.lame_duck_duration - options.lame_duck_grace_period)
        self._task = None
        await self._shutdown()

    async def _close_clients(self, duration_s: float) -> None:
        """Closes clients one by one, at random times over the duration."""
        self._state.log.notice("Closing existing clients")
        clients = self._state.clients()
        if not clients:
            return
        interval_s = min(max(duration_s, 0.0) / len(clients), INTERVAL_MAX_S)
        batch = max(1, round(INTERVAL_MIN_S / interval_s)) if 0 < interval_s < INTERVAL_MIN_S else 1
        if interval_s == 0:
            batch = len(clients)
        for start in range(0, len(clients), batch):
            for client in clients[start : start + batch]:
                if not client.pending_bytes:  # otherwise shutdown sends its output first
                    client.close(CloseReason.SERVER_SHUTDOWN)
            await asyncio.sleep(interval_s * batch * random.uniform(0.5, 1.0))
