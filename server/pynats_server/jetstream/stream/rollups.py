"""Rollups: a message that replaces older ones, of its subject or of the whole stream.

Few go at once. Where a message replaces very many, they go in steps, as in a purge: the new one is
the newest of its subject from the beginning, and is acknowledged when the last old one has gone.
Until then its publisher knows nothing, and a crash may leave some of the old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pynats_server.jetstream.store import Store
from pynats_server.jetstream.store.retention import MOST_AT_ONCE
from pynats_server.jetstream.store.search.queries import is_literal
from pynats_server.jetstream.stream.changes import Changes
from pynats_server.work import Work, finish

UNDER_WAY_MAX: Final = 100
"""Long replacements of a stream that wait for each other; more messages have to wait."""


class Rollups:
    """What the messages of one stream replace. `on_error` learns of failures."""

    def __init__(
        self, store: Store, changes: Changes, on_error: Callable[[Exception], None]
    ) -> None:
        self._store = store
        self._changes = changes
        self._on_error = on_error
        self._under_way: dict[int, Callable[[], None] | None] = {}  # by the new message

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

    def replace_all(self) -> None:
        """The last message, just stored, replaces all others."""
        # As limits: if the disk is full, they bring back what this message was to replace.
        if self._store.msgs > MOST_AT_ONCE:
            self._store.keep_last()
        else:
            self._store.enforce_limits(1)

    def replace(self, subject: bytes, seq: int) -> None:
        """The last message, just stored as `seq`, replaces all others of its subject, in which a
        `*` stands for any token. Raises StoreError."""
        store = self._store
        if is_literal(subject):
            count = store.subject_totals(subject).get(subject, 0)
            if count == store.msgs:
                self.replace_all()
                return
            if count <= MOST_AT_ONCE and not store.gathering:
                store.enforce_limits(max_per_subject=1, subject=subject)
                return
        store.flush()  # a full disk must not cost what the message was to replace
        self._start([(subject, seq)], seq)

    def replace_of_batch(self, filters: Iterable[tuple[bytes, int]], last: int) -> None:
        """Messages of a batch that ends with `last` replace those of each filter that are below a
        sequence."""
        wanted = list(filters)
        if wanted and self._are_few(filter for filter, _ in wanted):
            finish(self._replacing(wanted))
        elif wanted:
            self._start(wanted, last)

    def _are_few(self, filters: Iterable[bytes]) -> bool:
        """Whether the subjects of literal filters have few messages together."""
        count = 0
        for filter in filters:
            if not is_literal(filter):
                return False
            count += self._store.subject_totals(filter).get(filter, 0)
            if count > MOST_AT_ONCE:
                return False
        return True

    def _start(self, filters: list[tuple[bytes, int]], seq: int) -> None:
        def ended(_: int, error: Exception | None) -> None:
            done = self._under_way.pop(seq)
            if error is not None:
                self._on_error(error)
            elif done is not None:
                done()

        self._under_way[seq] = None
        self._changes.run(self._replacing(filters), ended)

    def _replacing(self, filters: list[tuple[bytes, int]]) -> Work[int]:
        gone = 0
        for filter, below in filters:
            gone += yield from self._store.purging(filter, below, purged=False)
        return gone


__all__ = ["Rollups"]
