"""A lock that is let go as soon as what it guards is done, and not when its holder has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Hold:
    """Of one holder, who waits for the disk behind `release`. `on_release` is called then, or at
    the end."""

    __slots__ = ("_is_held", "_lock", "_on_release")

    def __init__(self, lock: asyncio.Lock, on_release: Callable[[], None] | None = None) -> None:
        self._lock = lock
        self._is_held = False
        self._on_release = on_release

    async def __aenter__(self) -> Self:
        await self._lock.acquire()
        self._is_held = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Others may go on. Idempotent."""
        if self._is_held:
            self._is_held = False
            self._lock.release()
            if self._on_release is not None:
                self._on_release()
