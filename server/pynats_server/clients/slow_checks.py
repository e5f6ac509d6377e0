"""Comparing passwords with bcrypt hashes: slow on purpose, so in threads, and fair by address.

Addresses take turns (with IPv6, networks do): a flood of log-ins from one delays those from others
by one check each. Of one address the newest goes first: when more arrive than can be checked, the
oldest have waited almost as long as they may (`authorization.timeout`), and in order of arrival
everybody would be refused just before the turn comes. Who leaves or waits too long is not checked.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pynats_common.urls import network_of

from pynats_server.auth import StaticAuthenticator, Verdict
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.server.state import ServerState
from pynats_server.work import Rotation

CHECKS_AT_ONCE = os.cpu_count() or 1
Conclude = Callable[[ClientConnection, Verdict | None], None]


class SlowChecks:
    """The checks of one server: those that wait, and those under way."""

    def __init__(
        self, state: ServerState, on_error: Callable[[ClientConnection, Exception], None]
    ) -> None:
        self._state = state
        self._on_error = on_error
        self._waiting: dict[ClientConnection, Conclude] = {}
        self._turns: Rotation[str, ClientConnection] = Rotation()  # by address
        self._running: dict[ClientConnection, asyncio.Task[None]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._stopped = False

    def __contains__(self, client: object) -> bool:
        return client in self._waiting or client in self._running

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    def start(self, client: ClientConnection, conclude: Conclude) -> None:
        """Asks whether a client's credentials are right, and calls `conclude`; the client is not
        read meanwhile."""
        client.hold()
        self._waiting[client] = conclude
        self._turns.add(network_of(client.host), client)
        self._go_on()

    def drop(self, client: ClientConnection) -> None:
        """Forgets a client that has gone."""
        if self._waiting.pop(client, None) is not None:
            self._turns.discard(network_of(client.host), client)
        elif (task := self._running.get(client)) is not None:
            task.cancel()

    def _go_on(self) -> None:
        while len(self._turns) and len(self._running) < CHECKS_AT_ONCE and not self._stopped:
            _, client = self._turns.next(newest=True)
            conclude = self._waiting.pop(client)
            if _has_left(client):
                client.close(CloseReason.CLIENT_CLOSED)
                continue
            client.auth_deadline = 0  # it was in time; how long the check takes is our affair
            task = asyncio.ensure_future(self._check(client, conclude))
            self._running[client] = task
            task.add_done_callback(partial(self._ended, client))

    def _ended(self, client: ClientConnection, _: asyncio.Task[None]) -> None:
        del self._running[client]
        self._go_on()

    async def _check(self, client: ClientConnection, conclude: Conclude) -> None:
        while True:
            authenticator = self._state.authenticator
            verdict = await self._ask(authenticator, client)
            if authenticator is self._state.authenticator:
                break  # otherwise a reload changed the rules: check again
        if not client.closing:
            conclude(client, verdict)
            client.proceed()

    async def _ask(
        self, authenticator: StaticAuthenticator, client: ClientConnection
    ) -> Verdict | None:
        if self._threads is None:
            # Separate threads, because monitoring and name look-ups use the loop's.
            self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, "log-in")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, authenticator.slow, client.context)
        except Exception as error:  # after a bug of ours the client must not wait forever
            self._on_error(client, error)
            return None

    async def stop(self) -> None:
        """Cancels the checks."""
        self._stopped = True
        self._waiting.clear()
        self._turns.clear()
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


def _has_left(client: ClientConnection) -> bool:
    """Whether the peer has closed its side. Needed because reading stops during a check."""
    poll = select.poll()
    poll.register(client.fd, select.POLLRDHUP)
    return bool(poll.poll(0))
