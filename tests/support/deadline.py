"""Waiting with a deadline: the only place where tests poll or sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

# How long a test waits for an event that must happen. Only a failure reaches it, so it is far more
# than a busy machine needs.
PATIENCE_S = 30.0
POLL_INTERVAL_S = 0.01


class DeadlineExceeded(AssertionError):
    """What was waited for did not happen in time."""


class Deadline:
    """A point in time `timeout_s` seconds from now."""

    __slots__ = ("_end", "timeout_s")

    def __init__(self, timeout_s: float = PATIENCE_S) -> None:
        self.timeout_s = timeout_s
        self._end = time.monotonic() + timeout_s

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0

    def check(self, what: str) -> None:
        """Raises DeadlineExceeded naming `what` when the point has passed."""
        if self.passed:
            raise DeadlineExceeded(f"{what}: not within {self.timeout_s} s")


def wait_until(
    probe: Callable[[], T],
    what: str,
    timeout_s: float = PATIENCE_S,
    interval_s: float = POLL_INTERVAL_S,
) -> T:
    """Call `probe` until it returns something true, and return that.

    Raises DeadlineExceeded naming `what` after `timeout_s` seconds.
    """
    deadline = Deadline(timeout_s)
    while True:
        result = probe()
        if result:
            return result
        deadline.check(what)
        pause(interval_s)


async def wait_until_async(
    probe: Callable[[], T | Awaitable[T]],
    what: str,
    timeout_s: float = PATIENCE_S,
    interval_s: float = POLL_INTERVAL_S,
) -> T:
    """Like `wait_until`, while the loop runs; awaits the result of `probe` if it is awaitable."""
    deadline = Deadline(timeout_s)
    while True:
        found = probe()
        result = await found if isinstance(found, Awaitable) else found
        if result:
            return result
        deadline.check(what)
        await pause_async(interval_s)


async def next_turn() -> None:
    """Let the loop run everything that is ready now, for tests that count turns instead of time."""
    await pause_async(0)


def pause(seconds: float) -> None:
    """Let time pass where the passing itself is under test (timers), not to wait for an event."""
    time.sleep(seconds)  # noqa: TID251


async def pause_async(seconds: float) -> None:
    """Like `pause`, while the loop runs."""
    await asyncio.sleep(seconds)  # noqa: TID251
