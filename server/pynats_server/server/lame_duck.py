"""Lame duck mode: leaving without a reconnect storm (server-inventory 1.6)."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from pynats_server.core.reasons import CloseReason

if TYPE_CHECKING:
    from pynats_server.server.server import Server

INTERVAL_MAX = 1.0  # seconds between two closes
INTERVAL_MIN = 0.001  # below, several connections are closed at once


class LameDuck:
    """One server's way out; `start()` once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins; the server shuts down by itself at the end."""
        server = self._server
        server.log.notice("Entering lame duck mode, stop accepting new clients")
        server.stop_accepting()
        server.info.lame_duck = True
        server.broadcast_info()
        self._task = asyncio.ensure_future(self._run())

    def cancel(self) -> None:
        """Ends the waiting when the server shuts down for another reason."""
        task = self._task
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _run(self) -> None:
        server, options = self._server, self._server.options
        if server.clients():
            await asyncio.sleep(options.lame_duck_grace_period)
            await self._close_clients(options.lame_duck_duration - options.lame_duck_grace_period)
        self._task = None
        await server.shutdown()

    async def _close_clients(self, duration: float) -> None:
        """Closes one after the other, spread at random over the duration."""
        server = self._server
        server.log.notice("Closing existing clients")
        clients = server.clients()
        if not clients:
            return
        interval = min(max(duration, 0.0) / len(clients), INTERVAL_MAX)
        batch = max(1, round(INTERVAL_MIN / interval)) if 0 < interval < INTERVAL_MIN else 1
        if interval == 0:
            batch = len(clients)
        for start in range(0, len(clients), batch):
            for client in clients[start : start + batch]:
                if not client.pending_bytes:  # else shutdown closes it, after handing that over
                    client.close(CloseReason.SERVER_SHUTDOWN)
            await asyncio.sleep(interval * batch * random.uniform(0.5, 1.0))
