"""A folder of JWTs for the loop: threads wait for the disk, and look at tokens."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from pynats_server.resolver.base import Check
from pynats_server.resolver.directory.files import InDoubt
from pynats_server.resolver.directory.folder import JwtFolder
from pynats_server.resolver.directory.index import Index
from pynats_server.resolver.directory.merging import Refused, checked, is_damaged, stored

T = TypeVar("T")
THREADS: Final = 4
AT_ONCE: Final = 64  # files that a thread reads in one go
NAMES_AT_ONCE: Final = 2048  # names of files that are looked at in one go


class JwtStore:
    """The JWTs in a folder, at most `limit` of them (0 = any number). With `evicts` the limit
    is kept by forgetting the one that nobody has needed for the longest time, otherwise by refusing
    more. After `ttl_s` seconds one is forgotten; 0 = never."""

    def __init__(
        self, folder: JwtFolder, check: Check, *, limit: int = 0, evicts: bool = False,
        ttl_s: float = 0.0, now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.check = check
        self.index = Index()
        self._limit = limit
        self._evicts = evicts
        self._ttl_s = ttl_s
        self._now = now
        self._changing = asyncio.Lock()
        self._is_closed = False
        self._threads = ThreadPoolExecutor(THREADS, "resolver")

    async def open(self, preload: Iterable[tuple[str, str]]) -> list[str]:
        """Makes the folder, and has what the configuration gives in it. Returns what could not
        be taken over. Raises OSError."""
        for name in await self.run(self.folder.open):
            self.index.add(name, self._until())
        faults = []
        for key, token in preload:
            try:
                await self.put(key, token, skips=True)
            except Refused as error:
                faults.append(f"{key}: {error}")
        return faults

    async def look_again(self) -> None:
        """Somebody may have put files there, or taken some away. Raises OSError."""
        async with self._changing:
            names = await self.run(self._names)
            gone = await self.run(_without, list(self.index), names)
            await _in_turns(gone, self.index.drop)
            await _in_turns(names, lambda name: self.index.add(name, self._until()))

    def _names(self) -> dict[str, None]:
        return dict.fromkeys(self.folder.open())

    async def close(self) -> None:
        """Nothing is read and written any more when this returns."""
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)

    async def run(self, function: Callable[..., T], *args: object) -> T:
        """The result of a function that takes long. Raises OSError once this is closed."""
        if self._is_closed:
            raise OSError(errno.ESHUTDOWN, "the resolver was stopped")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *args)

    # -- reading ------------------------------------------------------------------------------

    async def get(self, key: str) -> str:
        """The text of an account; empty if there is none. Raises OSError."""
        text = await self.run(self.folder.read, key)
        if not text:
            return ""
        if key not in self.index:  # somebody has put it there
            self.index.add(key, self._until())
        self.index.saw(key, text)
        self.index.use(key)
        return text

    async def read_all(self, keys: list[str]) -> list[tuple[str, str]]:
        """The texts of some accounts, as far as they can be read."""
        return await self.run(self._read_all, keys)

    def _read_all(self, keys: list[str]) -> list[tuple[str, str]]:
        found = []
        for key in keys:
            try:
                text = self.folder.read(key)
            except OSError:
                text = ""
            found.append((key, text))
        return found

    async def digest(self) -> bytes:
        """Of all JWTs that are there. Files that nobody has needed yet are read for it."""
        unread = self.index.unread()
        for start in range(0, len(unread), AT_ONCE):
            for key, text in await self.read_all(unread[start : start + AT_ONCE]):
                if key in self.index:
                    self.index.saw(key, text)
        return self.index.digest

    # -- changing -----------------------------------------------------------------------------

    async def put(self, key: str, token: str, *, skips: bool = False) -> bool:
        """Takes over the JWT of an account, unless a newer one is there. Whether something has
        changed; with `skips` a newer one is no error. Raises Refused, OSError."""
        token = token.strip("\r\n")
        async with self._changing:
            old = await self.run(self.folder.read, key)
            if old == token and old:
                self.index.put(key, token, self._until())
                return False
            is_newer, set_aside = await self.run(_decide, key, old, token, self.check)
            if not is_newer and skips:
                return False
            if not is_newer:
                raise Refused("a newer jwt is stored", key)
            if key not in self.index and not self._evicts and 0 < self._limit <= len(self.index):
                raise Refused("jwt store is full", key)
            try:
                await self.run(partial(self.folder.write, key, token, set_aside=set_aside))
            finally:
                # An error may come after the file was replaced.
                self._follow(key, await self.run(_read_or, self.folder, key, old))
            await self._evict()
        return True

    async def remove(self, keys: list[str], *, keep: bool) -> None:
        """Deletes accounts; with `keep` their files stay under another name. Raises OSError."""
        async with self._changing:
            await self._remove(keys, keep=keep)

    async def forget_expired(self) -> None:
        """Deletes what has run out. Raises OSError."""
        async with self._changing:
            if expired := self.index.expired(self._now()):
                await self._remove(expired, keep=False)

    async def _evict(self) -> None:
        if not self._evicts or self._limit <= 0 or len(self.index) <= self._limit:
            return
        order = iter(self.index)
        doomed = [next(order) for _ in range(len(self.index) - self._limit)]
        await self._remove(doomed, keep=False)

    async def _remove(self, keys: list[str], *, keep: bool) -> None:
        try:
            await self.run(partial(self.folder.remove, keys, keep=keep))
        except InDoubt:
            self._drop(keys)
            raise
        except OSError:
            for key, text in await self.read_all(keys):
                self._follow(key, text)
            raise
        self._drop(keys)

    def _drop(self, keys: list[str]) -> None:
        for key in keys:
            self.index.drop(key)

    def _follow(self, key: str, text: str) -> None:
        if text:
            self.index.put(key, text, self._until())
        else:
            self.index.drop(key)

    def _until(self) -> float:
        return self._now() + self._ttl_s if self._ttl_s > 0 else 0.0


def _without(names: list[str], others: dict[str, None]) -> list[str]:
    return [name for name in names if name not in others]


async def _in_turns(names: Iterable[str], work: Callable[[str], object]) -> None:
    """Others have theirs in between: there may be many."""
    for number, name in enumerate(list(names), 1):
        work(name)
        if number % NAMES_AT_ONCE == 0:
            await asyncio.sleep(0)


def _decide(key: str, old: str, token: str, check: Check) -> tuple[bool, bool]:
    """Whether a token counts instead of the old one, and whether that is damaged. Raises
    Refused."""
    claims = checked(token, check)
    if claims.sub != key:
        raise Refused("subject does not match jwt content", key)
    before: Any = stored(key, old, check) if old else None
    return before is None or claims.iat >= before.iat, before is None and is_damaged(old)


def _read_or(folder: JwtFolder, key: str, text: str) -> str:
    try:
        return folder.read(key)
    except OSError:
        return text
