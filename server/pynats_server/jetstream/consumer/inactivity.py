"""The end of consumers that nobody uses: after `inactive_threshold` (ADR-42; ephemeral ones have one
of 5 s if none is given)."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

from pynats_common.go.durations import SECOND_NS

if TYPE_CHECKING:
    from pynats_server.jetstream.consumer.consumer import Consumer

JITTER_NS: Final = SECOND_NS  # so that many that were left at once do not end at once
JITTER_FROM_NS: Final = 5 * SECOND_NS


class Inactivity:
    """Watches one consumer."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._timer: asyncio.TimerHandle | None = None
        self._since_ns = time.monotonic_ns()
        self._jitter_ns = random.randrange(JITTER_NS)

    def configured(self) -> None:
        """The threshold may be another one."""
        self.stop()
        if self._threshold_ns > 0:
            self._look_in(self._threshold_ns)

    def stop(self) -> None:
        """Watches no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _threshold_ns(self) -> int:
        threshold_ns = self._consumer.config.inactive_threshold
        return threshold_ns + (self._jitter_ns if threshold_ns >= JITTER_FROM_NS else 0)

    def _look_in(self, delay_ns: int) -> None:
        loop = self._consumer.place.account.server.loop
        self._timer = loop.call_later(delay_ns / SECOND_NS, self._look)

    def _look(self) -> None:
        self._timer = None
        if self.is_over():
            self._consumer.place.expired(self._consumer)
        else:
            self._look_in(self._left_ns)

    def is_over(self) -> bool:
        """Whether nobody has used it for long enough."""
        return self._threshold_ns > 0 and self._left_ns <= 0

    @property
    def _left_ns(self) -> int:
        return self.used_until_ns() + self._threshold_ns - time.monotonic_ns()

    def used_until_ns(self) -> int:
        """Up to when the consumer was in use, or will be (monotonic)."""
        feed = self._consumer.feed
        now_ns = time.monotonic_ns()
        if feed.num_waiting:
            return now_ns
        used_ns = max(self._since_ns, feed.touched_ns)
        if self._consumer.state.open:
            # Whoever works on a message may still acknowledge it.
            ago_ns = time.time_ns() - feed.last_delivered_ns
            used_ns = max(used_ns, now_ns - ago_ns + feed.longest_wait_ns)
        return used_ns
