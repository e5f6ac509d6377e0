"""Asking others for JWTs of accounts: each account once at a time, not too many at once, and fair
by address (with IPv6, by network).

Everybody who can reach the server can name accounts that do not exist. That must cost little, and
nobody else may have to wait for it: an address has a part of what is asked at once, the rest of
what it wants waits in its turn, and addresses take turns. Of one address the newest goes first, as
with log-ins (`clients.logins.checks`): the oldest have waited almost as long as anybody does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pynats_common.network.urls import network_of

from pynats_server.resolver.base import ResolverError

AT_ONCE: Final = 128  # accounts that are asked for
EACH: Final = 32  # of these for one address
WAITING: Final = 256  # accounts that wait in the turn of one address
WAIT_S: Final = 2.0  # how long; nothing else ends that of who is behind newer ones for ever
MISSES: Final = 4096  # accounts that were not found, remembered
MISS_S: Final = 0.25  # how long
TOO_MANY: Final = "too many accounts are looked up at once"

Ask = Callable[[str], Awaitable[str]]


@dataclass(slots=True, eq=False)
class _Wanted:
    """An account, until it is found or not."""

    answer: asyncio.Future[str]
    timer: asyncio.TimerHandle  # until when its turn must have come
    task: asyncio.Task[str] | None = None  # when it is asked for
    turns: set[str] = field(default_factory=set)  # networks in whose turn it waits


@dataclass(slots=True)
class _Network:
    """What is wanted from there: accounts under way, and those that wait."""

    running: int = 0
    waiting: OrderedDict[str, None] = field(default_factory=OrderedDict)


class Lookups:
    """Of one resolver. `ask` raises ResolverError."""

    def __init__(
        self, ask: Ask, *, at_once: int = AT_ONCE, each: int = EACH, waiting: int = WAITING,
        wait_s: float = WAIT_S, miss_s: float = MISS_S,
    ) -> None:  # fmt: skip
        self._ask = ask
        self._at_once = at_once
        self._each = each
        self._most_waiting = waiting
        self._wait_s = wait_s
        self._miss_s = miss_s
        self._wanted: dict[str, _Wanted] = {}
        self._networks: OrderedDict[str, _Network] = OrderedDict()  # whose turn it is comes first
        self._running = 0
        self._misses: OrderedDict[str, tuple[float, str]] = OrderedDict()  # until when, and why

    @property
    def waiting(self) -> int:
        """Accounts that are being asked for, or will be."""
        return len(self._wanted)

    async def find(self, account: str, address: str = "") -> str:
        """What `ask` says, for somebody at an address; empty = for the server itself. Raises
        ResolverError."""
        wanted = self._wanted.get(account)
        if wanted is None:
            self._raise_miss(account)
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._wait_s, self._give_up, account)
            wanted = _Wanted(loop.create_future(), timer)
            try:
                self._queue(account, wanted, address)
            except ResolverError:
                timer.cancel()
                raise
            self._wanted[account] = wanted
            wanted.answer.add_done_callback(partial(self._ended, account))
            self._go_on()
        else:
            self.join(account, address)
        # Whoever waits may give up; the others go on.
        try:
            return await asyncio.shield(wanted.answer)
        finally:
            del wanted  # an error knows this frame: in a circle it would wait for the collector

    def join(self, account: str, address: str) -> None:
        """Somebody at another address waits for the same account: it is asked for in the turn of
        either."""
        wanted = self._wanted.get(account)
        if wanted is None or wanted.task is not None or wanted.answer.done():
            return
        if network_of(address) in wanted.turns:
            return
        try:
            self._queue(account, wanted, address)
        except ResolverError:
            return  # it waits already, elsewhere
        self._go_on()

    def _queue(self, account: str, wanted: _Wanted, address: str) -> None:
        name = network_of(address)
        network = self._networks.get(name)
        if network is not None and len(network.waiting) >= self._most_waiting:
            raise ResolverError(TOO_MANY)
        if network is None:
            network = self._networks[name] = _Network()
        network.waiting[account] = None
        wanted.turns.add(name)

    def _go_on(self) -> None:
        """Asks for as many as there is room for."""
        while self._running < self._at_once:
            # At most a few that have their part are passed over.
            ready = (
                name for name, each in self._networks.items()
                if each.waiting and each.running < self._each
            )  # fmt: skip
            name = next(ready, None)
            if name is None:
                return
            self._networks.move_to_end(name)
            account, _ = self._networks[name].waiting.popitem()
            wanted = self._wanted[account]
            self._leave_turns(account, wanted)
            self._begin(name, account, wanted)

    def _begin(self, name: str, account: str, wanted: _Wanted) -> None:
        self._running += 1
        self._networks.setdefault(name, _Network()).running += 1
        wanted.task = asyncio.get_running_loop().create_task(self._find(account))
        wanted.task.add_done_callback(partial(self._found, name, wanted))

    def _give_up(self, account: str) -> None:
        """Its turn has not come."""
        wanted = self._wanted[account]
        self._leave_turns(account, wanted)
        wanted.answer.set_exception(ResolverError(TOO_MANY))

    def _leave_turns(self, account: str, wanted: _Wanted) -> None:
        wanted.timer.cancel()
        for name in wanted.turns:
            self._networks[name].waiting.pop(account, None)
            self._tidy(name)
        wanted.turns.clear()

    def _tidy(self, name: str) -> None:
        network = self._networks[name]
        if not network.waiting and not network.running:
            del self._networks[name]

    def _found(self, name: str, wanted: _Wanted, task: asyncio.Task[str]) -> None:
        self._running -= 1
        self._networks[name].running -= 1
        self._tidy(name)
        if task.cancelled():
            wanted.answer.cancel()
        elif not wanted.answer.done():
            error = task.exception()
            if error is None:
                wanted.answer.set_result(task.result())
            else:
                wanted.answer.set_exception(error)
        self._go_on()

    def _ended(self, account: str, answer: asyncio.Future[str]) -> None:
        self._wanted.pop(account, None)
        if not answer.cancelled():
            answer.exception()  # perhaps nobody waits any more

    async def _find(self, account: str) -> str:
        try:
            return await self._ask(account)
        except ResolverError as error:
            self._misses[account] = (self._now() + self._miss_s, str(error))
            self._misses.move_to_end(account)
            if len(self._misses) > MISSES:
                self._misses.popitem(last=False)
            raise

    def forget(self, account: str) -> None:
        """Something has become known of an account."""
        self._misses.pop(account, None)

    async def close(self) -> None:
        """Ends what is under way."""
        wanted = list(self._wanted.items())
        for account, each in wanted:
            self._leave_turns(account, each)
            each.answer.cancel()
        tasks = [each.task for _, each in wanted if each.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _raise_miss(self, account: str) -> None:
        miss = self._misses.get(account)
        if miss is None:
            return
        if miss[0] > self._now():
            raise ResolverError(miss[1])
        del self._misses[account]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
