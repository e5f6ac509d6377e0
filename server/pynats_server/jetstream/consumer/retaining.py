"""Streams that keep messages for their consumers' sake: interest and work-queue retention.

A message goes as soon as no consumer needs it any more: every one whose filters cover it has had it
acknowledged. Where an acknowledgement covers very many, they go in steps. A consumer that ends, or
wants something else, leaves an interest stream with messages that nobody needs; they are looked for
in steps, too. A work queue keeps what no consumer has taken yet; what was acknowledged and is still
there when it starts goes then.

Where a consumer could not be recovered, nobody knows what it needs: an interest stream keeps all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pynats_server.jetstream.consumer.delivery.interest import Interest
from pynats_server.jetstream.consumer.delivery.state import Snapshot
from pynats_server.jetstream.store import StoreError
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.jetstream.stream.operations import Expire
from pynats_server.work import Cancelled, Job, Work

LOOK: Final = 500
"""Messages that a step looks at."""
REMOVE: Final = 64
"""Messages that a step removes."""
AGAIN: Final = 16
"""Messages that could not be removed before, tried again with each one that can."""


Removed = Callable[[Exception | None], None]


class Retaining:
    """Of one stream."""

    def __init__(self, host: StreamHost, interest: Interest) -> None:
        self._host = host
        self._interest = interest
        self._left: dict[int, None] = {}  # that could not be removed
        self._sweeping: Job[None] | None = None
        self._releasing: set[Job[None]] = set()
        self._waiting: list[Removed] = []  # for what is being released
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
        turns = self._host.account.server.turns
        for job in [*self._releasing, *([self._sweeping] if self._sweeping is not None else [])]:
            turns.cancel(job)

    def when_removed(self, done: Removed) -> None:
        """Calls `done` once what was removed so far is gone for good."""
        if self._releasing:
            self._waiting.append(done)
        else:
            self._host.store.commit(done)

    def release(self, closed: Snapshot, last: int) -> None:
        """A consumer has acknowledged all of what it had waited for up to `last`."""
        account = self._host.account
        job = account.server.turns.start(
            account.name, (self, "release"), self._released(closed, last), stays=True,
            on_end=self._released_all,
        )  # fmt: skip
        if not job.ended:
            self._releasing.add(job)

    def _released(self, closed: Snapshot, last: int) -> Work[None]:
        store, at = self._host.store, 0
        while part := closed.sequences(at, last, REMOVE):
            for index in {store.block_at(seq) for seq in (part[0], part[-1])}:
                if index < len(store.blocks) and not (block := store.blocks[index]).loaded:
                    yield from store.loading(block)
            self._interest.release_all(part)
            at = part[-1] + 1
            yield

    def _released_all(self, job: Job[None]) -> None:
        self._releasing.discard(job)
        self._tell_of_bug(job)
        if self._releasing or not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            if job.error is None:
                self._host.store.commit(done)
            else:
                done(job.error if isinstance(job.error, Exception) else Cancelled())

    def _tell_of_bug(self, job: Job[None]) -> None:
        if isinstance(job.error, Exception) and not isinstance(job.error, Cancelled):
            self._host.on_internal_error(job.error)

    def _remove(self, seq: int) -> None:
        try:
            self._host.apply(Expire((seq,)))
            for left in list(self._left)[:AGAIN]:
                del self._left[left]
                self._host.apply(Expire((left,)))
        except StoreError as error:
            self._left[seq] = None
            self._host.log.warn_rarely(
                f"JetStream {self._host.label} keeps messages that nobody needs any more: {error}"
            )
        self._host.ingest.changed()

    # -- what nobody needs ----------------------------------------------------------------------

    def recovered(self) -> None:
        """The stream has started with the consumers that it had: an end may have come between an
        acknowledgement and what it removes."""
        if self._host.config.retention == "workqueue":
            self._sweep(finished=True)
        else:
            self.sweep()

    def sweep(self) -> None:
        """Looks for messages that nobody needs: consumers have ended or want something else."""
        if self._host.config.retention == "interest" and not self._holds:
            self._sweep(finished=False)

    def _sweep(self, finished: bool) -> None:
        if self._stopped:
            return
        if self._sweeping is not None:
            self._again = True
            return
        account = self._host.account
        self._again = False
        self._sweeping = account.server.turns.start(
            account.name, (self, "sweep"), self._swept(finished), on_end=self._ended
        )
        if self._sweeping.ended:
            self._sweeping = None

    def _ended(self, job: Job[None]) -> None:
        self._sweeping = None
        self._tell_of_bug(job)
        if self._again:
            self.sweep()

    def _swept(self, finished: bool) -> Work[None]:
        store, at = self._host.store, 1
        last = min(store.last_seq, self._interest.done_to) if finished else store.last_seq
        yield
        while at and at <= last:
            found, at, block = self._interest.unneeded(at, LOOK, finished)
            if block is not None:
                yield from store.loading(block)
                continue
            for start in range(0, len(found), REMOVE):
                self._interest.release_all(found[start : start + REMOVE])
                yield
            if not found:
                yield


__all__ = ["Retaining"]
