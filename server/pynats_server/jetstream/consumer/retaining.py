"""Streams that keep messages for their consumers' sake: interest and work-queue retention.

A message goes as soon as no consumer needs it any more: every one whose filters cover it has had it
acknowledged. A consumer that ends, or wants something else, leaves an interest stream with messages
that nobody needs; they are looked for in steps. A work queue keeps what no consumer has taken yet.

Where a consumer could not be recovered, nobody knows what it needs: an interest stream keeps all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pynats_server.jetstream.consumer.delivery.interest import Interest
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import Remove
from pynats_server.work import Cancelled, Job, Work

LOOK: Final = 500
"""Messages that a step looks at."""
AGAIN: Final = 16
"""Messages that could not be removed before, tried again with each one that can."""


class Retaining:
    """Of one stream."""

    def __init__(self, host: StreamHost, interest: Interest) -> None:
        self._host = host
        self._interest = interest
        self._left: dict[int, None] = {}  # that could not be removed
        self._sweeping: Job[None] | None = None
        self._again = False  # something has changed since the sweep began
        self._stopped = False
        self._holds = False

    def configured(self) -> None:
        """The stream's retention may be another one."""
        retention = self._host.config.retention
        if retention == "limits" or (retention == "interest" and self._holds):
            self._interest.keep_for_consumers(None)
        else:
            self._interest.keep_for_consumers(self._remove)

    def hold(self) -> None:
        """Somebody is missing of whom nobody knows what he needs."""
        self._holds = True

    def stop(self) -> None:
        """Looks no more."""
        self._stopped = True
        if self._sweeping is not None:
            self._host.account.server.turns.cancel(self._sweeping)

    def when_removed(self, done: Callable[[Exception | None], None]) -> None:
        """Calls `done` once what was removed so far is gone for good."""
        self._host.store.commit(done)

    def _remove(self, seq: int) -> None:
        try:
            self._host.apply(Remove(seq))
            for left in list(self._left)[:AGAIN]:
                del self._left[left]
                self._host.apply(Remove(left))
        except StoreError as error:
            self._left[seq] = None
            self._host.log.warn_rarely(
                f"JetStream {self._host.label} keeps messages that nobody needs any more: {error}"
            )
        self._host.ingest.changed()

    # -- what nobody needs ----------------------------------------------------------------------

    def sweep(self) -> None:
        """Looks for messages that nobody needs: consumers have ended or want something else."""
        if self._host.config.retention != "interest" or self._holds or self._stopped:
            return
        if self._sweeping is not None:
            self._again = True
            return
        account = self._host.account
        self._again = False
        self._sweeping = account.server.turns.start(
            account.name, (self, "sweep"), self._swept(), on_end=self._ended
        )
        if self._sweeping.ended:
            self._sweeping = None

    def _ended(self, job: Job[None]) -> None:
        self._sweeping = None
        if isinstance(job.error, Exception) and not isinstance(job.error, Cancelled):
            self._host.on_internal_error(job.error)
        if self._again:
            self.sweep()

    def _swept(self) -> Work[None]:
        store, at = self._host.store, 1
        last = store.last_seq
        yield
        while at and at <= last:
            found, at, block = self._interest.unneeded(at, LOOK)
            if block is not None:
                yield from store.loading(block)
                continue
            for seq in found:
                self._remove(seq)
            yield


__all__ = ["Retaining"]
