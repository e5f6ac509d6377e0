"""Waiting with an end: the one place where tests poll, and the only one that may sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

# How long a test waits for what must happen. Reached only when it does not happen, so it is far
# more than a busy machine needs.
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
    """As `wait_until`, with the loop running on; what `probe` returns is awaited if it can be."""
    deadline = Deadline(timeout_s)
    while True:
        found = probe()
        result = await found if isinstance(found, Awaitable) else found
        if result:
            return result
        deadline.check(what)
        await pause_async(interval_s)


async def next_turn() -> None:
    """Let the loop run everything that is ready now: what a test counts in turns, not in time."""
    await pause_async(0)


def pause(seconds: float) -> None:
    """Let time pass where the passing itself is under test (timers), not to wait for an event."""
    time.sleep(seconds)  # noqa: TID251


async def pause_async(seconds: float) -> None:
    """As `pause`, with the loop running on."""
    await asyncio.sleep(seconds)  # noqa: TID251
