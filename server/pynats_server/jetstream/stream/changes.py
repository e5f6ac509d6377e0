"""The long changes of a stream: one after the other, a step at a time.

A purge, or bringing a stream within lowered limits, may have to remove millions of messages. Others
are served in between, publishes to the same stream included. What a change does is fixed when it is
asked for. Once begun it goes on to its end, whoever asked for it, unless the stream ends.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.store import StoreClosed
from pynats_server.work import Cancelled, Job, Work

T = TypeVar("T")
AT_ONCE: Final = 8
"""Steps of a change that are done before anything else happens: all, in a small stream."""


class Changes:
    """Runs them. `on_error` learns of failures that nobody waits for."""

    def __init__(self, account: AccountContext, on_error: Callable[[Exception], None]) -> None:
        self._turns = account.server.turns
        self._account = account.name
        self._on_error = on_error
        self._limiting: Job[None] | None = None
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
        if self._limiting is not None:
            self._turns.cancel(self._limiting)
            self._limiting = None
        for _ in range(AT_ONCE):
            try:
                next(work)
            except StopIteration:
                return
        self._limiting = self._start(self, work, self._ended)

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
        for job in list(self._jobs):
            self._turns.cancel(job)


__all__ = ["Changes"]
