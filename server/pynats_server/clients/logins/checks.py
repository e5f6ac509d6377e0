"""Log-ins whose answer takes time.

What is waited for (a look-up, a service that decides) runs as a task. What must be computed
(bcrypt, slow on purpose) runs in threads, and fair by address: addresses take turns (with IPv6,
networks do), so a flood of log-ins from one delays those from others by one check each. Of one
address the newest goes first: when more arrive than can be checked, the oldest have waited almost
as long as they may (`authorization.timeout`), and in order of arrival everybody would be refused
just before the turn comes. Who leaves or waits too long is not checked. Who is in, and may have to
leave because the rules have changed, has every second check, in order: no flood keeps anybody in.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from pynats_common.network.urls import network_of
from pynats_common.records import dataclass

from pynats_server.auth import REFUSED, Answer, Authenticator, Outcome, Refusal, Slow, Verdict
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.server.state import ServerState
from pynats_server.work import Rotation

if TYPE_CHECKING:  # loaded with the first check
    from concurrent.futures import ThreadPoolExecutor

CHECKS_AT_ONCE = os.cpu_count() or 1
Conclude = Callable[[ClientConnection, Answer], None]
Ask = Callable[[Authenticator], Outcome]  # what to ask the authenticator that counts


@dataclass(frozen=True, slots=True)
class _Check:
    outcome: Slow | Awaitable[Answer]
    asked: Authenticator
    ask: Ask  # again, when the rules have changed meanwhile
    conclude: Conclude


class Checks:
    """The log-ins of one server that wait, and those under way."""

    def __init__(
        self, state: ServerState, on_error: Callable[[ClientConnection, Exception], None]
    ) -> None:
        self._state = state
        self._on_error = on_error
        self._waiting: dict[ClientConnection, _Check] = {}  # for a thread
        self._turns: Rotation[str, ClientConnection] = Rotation()  # by address
        self._again: OrderedDict[ClientConnection, None] = OrderedDict()  # who is in
        self._again_last = False  # one of them was the last whose turn it was
        self._running: dict[ClientConnection, asyncio.Task[None]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._computing = 0  # threads in use
        self._stopped = False

    def __contains__(self, client: object) -> bool:
        return client in self._waiting or client in self._running

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    def ask(self, client: ClientConnection, ask: Ask, conclude: Conclude) -> None:
        """Asks the authenticator with `ask`, and calls `conclude` with its answer: at once, or when
        it is there; the client is not read meanwhile."""
        authenticator = self._state.authenticator
        outcome = ask(authenticator)
        if isinstance(outcome, Verdict | Refusal):
            conclude(client, outcome)
        else:
            self.wait(client, outcome, ask, conclude)

    def wait(
        self,
        client: ClientConnection,
        outcome: Slow | Awaitable[Answer],
        ask: Ask,
        conclude: Conclude,
        *,
        again: bool = False,
    ) -> None:
        """The same for what the authenticator has already said; `again` = of one who is in."""
        authenticator = self._state.authenticator
        client.hold()
        check = _Check(outcome, authenticator, ask, conclude)
        if isinstance(outcome, Slow):
            self._waiting[client] = check
            if again:
                self._again[client] = None
            else:
                self._turns.add(network_of(client.host), client)
            self._go_on()
        else:
            self._run(client, check)

    def drop(self, client: ClientConnection) -> None:
        """Forgets a client that has gone."""
        if self._waiting.pop(client, None) is not None:
            self._again.pop(client, None)
            self._turns.discard(network_of(client.host), client)
        elif (task := self._running.get(client)) is not None:
            task.cancel()

    def _go_on(self) -> None:
        while self._waiting and self._computing < CHECKS_AT_ONCE and not self._stopped:
            client = self._next()
            check = self._waiting.pop(client)
            if _has_left(client):
                client.close(CloseReason.CLIENT_CLOSED)
                continue
            self._computing += 1
            self._run(client, check)

    def _next(self) -> ClientConnection:
        self._again_last = bool(self._again) and not (self._again_last and len(self._turns))
        if self._again_last:
            return self._again.popitem(last=False)[0]
        return self._turns.next(newest=True)[1]

    def _run(self, client: ClientConnection, check: _Check) -> None:
        client.auth_deadline = 0  # it was in time; how long the check takes is our affair
        task = asyncio.ensure_future(self._check(client, check))
        self._running[client] = task
        task.add_done_callback(partial(self._ended, client, isinstance(check.outcome, Slow)))

    def _ended(self, client: ClientConnection, computed: bool, _: asyncio.Task[None]) -> None:
        del self._running[client]
        self._computing -= computed
        self._go_on()

    async def _check(self, client: ClientConnection, check: _Check) -> None:
        outcome: Outcome = check.outcome
        while True:
            answer = await self._answer(client, outcome)
            if client.closing:
                return
            authenticator = self._state.authenticator
            if check.asked is authenticator:
                break
            # A reload changed the rules: ask again.
            check = _Check(check.outcome, authenticator, check.ask, check.conclude)
            outcome = check.ask(authenticator)
        check.conclude(client, answer)
        client.proceed()

    async def _answer(self, client: ClientConnection, outcome: Outcome) -> Answer:
        try:
            if isinstance(outcome, Verdict | Refusal):
                return outcome
            if not isinstance(outcome, Slow):
                return await outcome
            if self._threads is None:
                # Separate threads, because monitoring and name look-ups use the loop's.
                from concurrent.futures import ThreadPoolExecutor

                self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, "log-in")
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, outcome.decide)
            if outcome.then is None or client.closing:
                return answer
            return await self._answer(client, outcome.then(answer))
        except Exception as error:  # after a bug of ours the client must not wait forever
            self._on_error(client, error)
            return REFUSED

    async def stop(self) -> None:
        """Cancels the checks."""
        self._stopped = True
        self._waiting.clear()
        self._turns.clear()
        self._again.clear()
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
