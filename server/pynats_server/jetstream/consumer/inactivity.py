"""The end of consumers that nobody uses: after `inactive_threshold`, which ephemeral ones always
have (5 s if none is given)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

from pynats_common.go.durations import SECOND_NS

from pynats_server.jetstream.clock import steady_now_ns
from pynats_server.jetstream.consumer.delivery.alarms import TIME_MAX_NS, Alarms, Appointment
from pynats_server.jetstream.consumer.delivery.pull.feed import PullFeed
from pynats_server.jetstream.consumer.delivery.push.feed import PushFeed

JITTER_NS: Final = SECOND_NS  # so that many that were left at once do not end at once
JITTER_FROM_NS: Final = 5 * SECOND_NS
LOOK_NS: Final = 100_000_000  # between looks at a consumer in use, however small its threshold


class Inactivity:
    """Watches the consumer of a feed; `on_unused` is called once nobody has used it for as long as
    the threshold says."""

    __slots__ = (
        "_alarms",
        "_due",
        "_feed",
        "_jitter_ns",
        "_on_unused",
        "_since_ns",
        "_threshold_ns",
    )

    def __init__(
        self, alarms: Alarms, feed: PullFeed | PushFeed, on_unused: Callable[[], None]
    ) -> None:
        self._alarms = alarms
        self._feed = feed
        self._on_unused = on_unused
        self._due: Appointment | None = None  # of those with a threshold
        self._since_ns = time.monotonic_ns()
        self._jitter_ns = random.randrange(JITTER_NS)
        self._threshold_ns = 0

    def configured(self, threshold_ns: int) -> None:
        """Takes another threshold; 0 = never."""
        self.stop()
        self._threshold_ns = threshold_ns
        if threshold_ns >= JITTER_FROM_NS:
            self._threshold_ns += self._jitter_ns
        if threshold_ns > 0:
            self._look_in(self._threshold_ns)

    def stop(self) -> None:
        """Watches no more."""
        if self._due is not None:
            self._due.cancel()

    def end(self) -> None:
        """Watches no more, for good, and knows nobody who is told."""
        if self._due is not None:
            self._due.end()
            self._due = None
        self._on_unused = _nobody

    def _look_in(self, delay_ns: int) -> None:
        if self._due is None:
            self._due = Appointment(self._alarms, self._look)
        self._due.at(min(steady_now_ns() + max(delay_ns, 1), TIME_MAX_NS))

    def _look(self) -> None:
        if self.is_over():
            self._on_unused()
        else:
            # It may be over sooner: once what was unacknowledged no longer is.
            self._look_in(max(min(self._left_ns, self._threshold_ns), LOOK_NS))

    def is_over(self) -> bool:
        """Whether nobody has used it for long enough."""
        return self._threshold_ns > 0 and self._left_ns <= 0

    @property
    def _left_ns(self) -> int:
        return self._used_until_ns() + self._threshold_ns - time.monotonic_ns()

    def _used_until_ns(self) -> int:
        """Up to when the consumer was in use, or will be (monotonic)."""
        feed = self._feed
        now_ns = time.monotonic_ns()
        if feed.in_use:
            return now_ns
        used_ns = max(self._since_ns, feed.touched_ns)
        if feed.state.open and isinstance(feed, PullFeed):
            # Whoever works on a message may still acknowledge it.
            ago_ns = steady_now_ns() - feed.last_delivered_ns
            used_ns = max(used_ns, now_ns - ago_ns + feed.longest_wait_ns)
        return used_ns


def _nobody() -> None:
    """Is told."""
