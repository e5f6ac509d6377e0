"""The long changes of a stream: one after the other, a step at a time.

A purge, or bringing a stream within lowered limits, may have to remove millions of messages. Others
are served in between, publishes to the same stream included. What a change does is fixed when it is
asked for. Once begun it goes on to its end, whoever asked for it, unless the stream ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.store import StoreClosed
from pynats_server.work import Cancelled, Job, Work

T = TypeVar("T")
AT_ONCE: Final = 8
"""Steps of a change that are done before anything else happens: all, in a small stream."""
RETRY_S: Final = 1.0
"""Until what a full disk did not take is tried again."""


class Changes:
    """Runs them. `on_error` learns of failures that nobody waits for."""

    def __init__(self, account: AccountContext, on_error: Callable[[Exception], None]) -> None:
        self._turns = account.server.turns
        self._account = account.name
        self._on_error = on_error
        self._limiting: Job[None] | None = None
        self.limits_undurably = False  # a full disk may yet bring back what limits took out
        self._again: asyncio.TimerHandle | None = None
        self._jobs: set[Job[Any]] = set()  # under way
        self._stopped = False

    def _start(self, client: Hashable, work: Work[T], on_end: Callable[[Job[T]], None]) -> Job[T]:
        def ended(job: Job[T]) -> None:
            self._jobs.discard(job)
            on_end(job)

        job = self._turns.start(self._account, client, work, stays=True, on_end=ended)
        if not job.ended:
            self._jobs.add(job)
        return job

    def run(self, work: Work[int], done: Callable[[int, Exception | None], None]) -> None:
        """Runs a change behind those that were asked for before; `done(result, error)` at its end.
        With an end of the stream in between the error is StoreClosed."""

        def ended(job: Job[int]) -> None:
            if job.error is None:
                done(job.result or 0, None)
            elif isinstance(job.error, Cancelled):
                done(0, StoreClosed("the stream has ended"))
            elif isinstance(job.error, Exception):
                done(0, job.error)

        if self._stopped:
            done(0, StoreClosed("the stream has ended"))
            return
        self._start(self, work, ended)

    def limit(self, work: Work[None]) -> None:
        """Brings the stream within its limits, instead of what was under way for that."""
        self._stop_limiting()
        self.limits_undurably = True
        for _ in range(AT_ONCE):
            try:
                next(work)
            except StopIteration:
                return
        self._limiting = self._start(self, work, self._ended)

    def _stop_limiting(self) -> None:
        if self._limiting is not None:
            self._turns.cancel(self._limiting)
            self._limiting = None
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def undone(self, limit: Callable[[], None]) -> None:
        """The disk is full, and what limits took out may be there again: calls `limit` when there
        may be room."""
        if self.limits_undurably and not self._stopped:
            self._stop_limiting()
            self._again = asyncio.get_running_loop().call_later(RETRY_S, limit)

    def committed(self) -> None:
        """All is durable."""
        self.limits_undurably = self.is_limiting or self._again is not None

    @property
    def is_limiting(self) -> bool:
        """Whether messages beyond the limits are being removed."""
        return self._limiting is not None and not self._limiting.ended

    @property
    def is_idle(self) -> bool:
        """Whether no change is under way."""
        return not self._jobs

    def background(self, work: Work[None]) -> None:
        """Runs what the store does for itself, beside the changes."""
        if self._stopped:
            return
        self._start((self, "store"), work, self._ended)

    def _ended(self, job: Job[None]) -> None:
        if isinstance(job.error, Exception) and not isinstance(job.error, Cancelled):
            self._on_error(job.error)

    def stop(self) -> None:
        """Ends what is under way. What is asked for later does not begin."""
        self._stopped = True
        self._stop_limiting()
        for job in list(self._jobs):
            self._turns.cancel(job)


__all__ = ["Changes"]
