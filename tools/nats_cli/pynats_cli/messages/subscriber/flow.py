"""Handles each message and decides when receiving ends: counts, quiet time, matched replies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pynats_common.go.durations import SECOND_NS
from pynats_common.subjects import subjects_overlap

from pynats_cli.messages.subscriber.messages import Received
from pynats_cli.messages.subscriber.options import SubscribeOptions

Sink = Callable[[Received, int, Received | None], None]
"""Takes a message, its number from 1, and the reply matched to it."""


class Flow:
    """Feeds one sink and decides when to stop."""

    def __init__(self, options: SubscribeOptions, sink: Sink) -> None:
        self._options = options
        self._sink = sink
        self._received = 0
        self._requests: dict[str, tuple[Received, int]] = {}
        self._quiet_timer: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None
        self.done = asyncio.Event()

    def start(self) -> None:
        """Starts the clock of `--wait`."""
        if not self._options.wait:
            return
        if self._quiet_timer is not None:
            self._quiet_timer.cancel()
        loop = asyncio.get_running_loop()
        self._quiet_timer = loop.call_later(self._options.wait / SECOND_NS, self.done.set)

    def stop(self) -> None:
        """Ends receiving."""
        if self._quiet_timer is not None:
            self._quiet_timer.cancel()
        self.done.set()

    def fail(self, error: Exception) -> None:
        """Ends receiving because showing a message failed."""
        self._failure = self._failure or error
        self.stop()

    async def wait(self) -> None:
        """Waits for the end; raises the error of a message that could not be shown."""
        await self.done.wait()
        if self._failure is not None:
            raise self._failure

    def wanted(self, most: int) -> int:
        """How many messages to request at once, at least one."""
        limit = self._options.count
        return max(min(most, limit - self._received), 1) if limit else most

    def is_full(self) -> bool:
        """True when no more messages are accepted."""
        limit = self._options.count
        return self.done.is_set() or (limit > 0 and self._received >= limit)

    @property
    def received(self) -> int:
        """Messages that were taken so far."""
        return self._received

    def room(self) -> int:
        """How many more messages are accepted; -1 without a limit."""
        if self.done.is_set():
            return 0
        return max(self._options.count - self._received, 0) if self._options.count else -1

    def count(self, taken: int) -> None:
        """Counts messages that were shown elsewhere."""
        self._received += taken
        if self.is_full():
            self.stop()
        else:
            self.start()

    def take(self, message: Received) -> bool:
        """Handles one message; False when it was ignored or came too late."""
        if self.is_full() or self._ignored(message.subject):
            return False
        self._received += 1
        if self._options.match_replies and message.reply:
            self._requests[message.reply] = (message, self._received)
        else:
            self._sink(message, self._received, None)
        at_end = message.facts is not None and message.facts.pending == 0
        if self._options.terminate_at_end and at_end:
            self.stop()
        elif self.is_full():
            self._finish_when_matched()
        else:
            self.start()
        return True

    def take_reply(self, reply: Received) -> None:
        """Pairs a reply with its request."""
        waiting = self._requests.pop(reply.subject, None)
        if waiting is None:
            return
        message, number = waiting
        self._sink(message, number, reply)
        if self.is_full():
            self._finish_when_matched()

    def _finish_when_matched(self) -> None:
        if not self._requests:
            self.stop()

    def _ignored(self, subject: str) -> bool:
        return any(subjects_overlap(subject, pattern) for pattern in self._options.ignore_subject)
