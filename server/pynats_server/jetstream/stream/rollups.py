"""Rollups that are long: a message that replaces very many older ones.

Few are replaced as the message is stored. Very many go in steps, as in a purge: the new one is the
newest of its subject from the beginning, and is acknowledged when the last old one has gone. Until
then its publisher knows nothing, and a crash may leave some of the old ones. Where a full disk does
not take the removal, it is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pynats_server.jetstream.store import Store, StoreFull
from pynats_server.jetstream.store.retention import MOST_AT_ONCE
from pynats_server.jetstream.store.search.queries import is_literal
from pynats_server.jetstream.stream.changes import RETRY_S, Changes
from pynats_server.jetstream.stream.operations import Append, AppendBatch, Operation, Purge
from pynats_server.work import Work

UNDER_WAY_MAX: Final = 100
"""Long replacements of a stream that wait for each other; more messages have to wait."""


class Rollups:
    """What the messages of one stream replace. `purging` begins a purge; `on_error` learns of
    failures."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        purging: Callable[[Purge], Work[int]],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._purging = purging
        self._on_error = on_error
        self._under_way: dict[int, Callable[[], None] | None] = {}  # by the new message
        self._again: dict[int, asyncio.TimerHandle] = {}  # until a full disk may have room

    @property
    def are_many(self) -> bool:
        """Whether no more messages can be taken that replace very many."""
        return len(self._under_way) >= UNDER_WAY_MAX

    def when_replaced(self, seq: int, done: Callable[[], None]) -> bool:
        """Calls `done` when what message `seq` replaces has gone, and never if that fails. False if
        it has gone already."""
        if seq not in self._under_way:
            return False
        self._under_way[seq] = done
        return True

    def decided(self, operation: Operation) -> Operation:
        """The operation, which says now whether what it replaces goes later."""
        match operation:
            case Append(rollup="sub") if not self._is_short(operation.subject):
                return replace(operation, later=True)
            case AppendBatch() if not self._are_few([each for _, each in operation.rollups]):
                return replace(operation, later=True)
        return operation

    def applied(self, operation: Operation, last: int) -> None:
        """Begins what was left for later. Raises StoreError."""
        if isinstance(operation, Append) and operation.later:
            self._store.flush()  # a full disk must not cost what the message was to replace
            self._start([Purge(operation.subject, last, replaced=True)], last)
        elif isinstance(operation, AppendBatch) and operation.later:
            first = last - operation.messages.count + 1
            purges = [Purge(filter, first + at, replaced=True) for at, filter in operation.rollups]
            self._start(purges, last)

    def _is_short(self, subject: bytes) -> bool:
        """Whether a subject, in which a `*` stands for any token, has few messages or all."""
        if not is_literal(subject):
            return False
        count = self._store.subject_totals(subject).get(subject, 0)
        return count == self._store.msgs or (count < MOST_AT_ONCE and not self._store.gathering)

    def _are_few(self, filters: list[bytes]) -> bool:
        """Whether the subjects of literal filters have few messages together."""
        count = 0
        for filter in filters:
            if not is_literal(filter):
                return False
            count += self._store.subject_totals(filter).get(filter, 0)
            if count > MOST_AT_ONCE:
                return False
        return True

    def stop(self) -> None:
        """Tries no more."""
        for timer in self._again.values():
            timer.cancel()
        self._again.clear()

    def _start(self, purges: list[Purge], seq: int) -> None:
        self._under_way[seq] = None
        self._run(purges, seq)

    def _run(self, purges: list[Purge], seq: int) -> None:
        self._again.pop(seq, None)

        def ended(_: int, error: Exception | None) -> None:
            if isinstance(error, StoreFull):
                loop = asyncio.get_running_loop()
                self._again[seq] = loop.call_later(RETRY_S, self._run, purges, seq)
                return
            done = self._under_way.pop(seq)
            if error is not None:
                self._on_error(error)
            elif done is not None:
                done()

        self._changes.run(self._replacing(purges), ended)

    def _replacing(self, purges: list[Purge]) -> Work[int]:
        gone = 0
        for purge in purges:
            # What came after the message stays, as `up_to` says.
            gone += yield from self._purging(purge)
        return gone


__all__ = ["Rollups"]
