"""Asking others for JWTs of accounts: each account once at a time, and not too many at once.

Everybody who can reach the server can name accounts that do not exist. That must cost little, and
nobody else may have to wait for it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from pynats_server.resolver.base import ResolverError

AT_ONCE: Final = 128  # accounts that are asked for
MISSES: Final = 4096  # accounts that were not found, remembered
MISS_S: Final = 0.25  # how long

Ask = Callable[[str], Awaitable[str]]


class Lookups:
    """Of one resolver. `ask` raises ResolverError."""

    def __init__(self, ask: Ask, at_once: int = AT_ONCE, miss_s: float = MISS_S) -> None:
        self._ask = ask
        self._at_once = at_once
        self._miss_s = miss_s
        self._asked: dict[str, asyncio.Task[str]] = {}
        self._misses: OrderedDict[str, tuple[float, str]] = OrderedDict()  # until when, and why

    @property
    def waiting(self) -> int:
        """Accounts that are being asked for."""
        return len(self._asked)

    async def find(self, account: str) -> str:
        """What `ask` says. Raises ResolverError."""
        task = self._asked.get(account)
        if task is None:
            self._raise_miss(account)
            if len(self._asked) >= self._at_once:
                raise ResolverError("too many accounts are looked up at once")
            task = asyncio.get_running_loop().create_task(self._find(account))
            self._asked[account] = task
            task.add_done_callback(partial(self._ended, account))
        # Whoever waits may give up; the others go on.
        return await asyncio.shield(task)

    def _ended(self, account: str, task: asyncio.Task[str]) -> None:
        self._asked.pop(account, None)
        if not task.cancelled():
            task.exception()  # perhaps nobody waits any more

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
        asked = list(self._asked.values())
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

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
