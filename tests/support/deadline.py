"""Waiting with an end: the one place where tests poll."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_INTERVAL_S = 0.01


class DeadlineExceeded(AssertionError):
    """What was waited for did not happen in time."""


class Deadline:
    """A point in time `timeout_s` seconds from now."""

    __slots__ = ("_end", "timeout_s")

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._end = time.monotonic() + timeout_s

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0


def wait_until(
    probe: Callable[[], T],
    what: str,
    timeout_s: float = 10.0,
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
        if deadline.passed:
            raise DeadlineExceeded(f"{what}: not within {timeout_s} s")
        time.sleep(interval_s)


def pause(seconds: float) -> None:
    """Let time pass where the passing itself is under test (timers), not to wait for an event."""
    time.sleep(seconds)
