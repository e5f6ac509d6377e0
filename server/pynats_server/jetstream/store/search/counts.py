"""How many messages of some filters a stream has at or after a sequence, and which are the newest
of each subject: exact for the moment in which the answer is given, whatever happened meanwhile.

Subjects know how many messages they have and between which sequences, so mostly they need only be
asked. Where some have messages on both sides of the sequence, the smaller side is counted, message
by message, but without reading blocks that were looked at before (`column`).
"""

from __future__ import annotations

from collections.abc import Iterable

from pynats_server.jetstream.store.contract import U64_MAX
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.mask import Mask
from pynats_server.jetstream.store.search.newest import Newest
from pynats_server.jetstream.store.search.queries import COLLECT, SCAN, WALK, Queries, only
from pynats_server.jetstream.store.search.tally import Census, Tally
from pynats_server.jetstream.store.seqset import SequenceSet
from pynats_server.work import Work, finish


class Counts(Queries):
    """Exact counts."""

    miscounted = False  # subjects count messages that are lost

    def count_from(self, filters: FilterSet, start: int) -> int:
        """See `counting_from`; at once."""
        return finish(self.counting_from(filters, start))

    def count_pending(self, filter: bytes, start: int) -> Work[int]:
        """`counting_from` for one filter."""
        return self.counting_from(only(filter), start)

    def counting_from(self, filters: FilterSet, start: int) -> Work[int]:
        """Live messages of the filters at or after `start`."""
        while True:
            count = yield from self._try_to_count(filters, max(start, 1))
            if count is not None:
                return count

    # -- the newest of each subject -----------------------------------------------------------

    def newest_of(
        self, filters: FilterSet, up_to: int = 0, most: int = U64_MAX
    ) -> Work[SequenceSet | None]:
        """Sequences of the newest message (not above `up_to`; 0 = of all that are stored now) of
        every subject of the filters; None as soon as there are more than `most`. Exact for the
        moment in which it ends, but that later messages do not count."""
        up_to = min(up_to or self.last_seq, self.last_seq)
        while True:
            self.keep_columns()
            newest = Newest(self, filters, up_to)
            self.attend(newest)
            try:
                while not newest.done and not newest.stale:
                    block = newest.step(COLLECT)
                    if len(newest.found) + newest.sure > most:
                        return None
                    if block is not None:
                        yield from self.loading(block)
                    elif not newest.done:
                        yield
                if not newest.stale:
                    return newest.found
                up_to = min(up_to, self.last_seq)
            finally:
                self.dismiss(newest)

    def last_of_each(
        self, filters: Iterable[bytes], up_to: int = 0, most: int = U64_MAX
    ) -> Work[list[int] | None]:
        """`newest_of` as a list, ascending; for few."""
        found = yield from self.newest_of(FilterSet(filters), up_to, most)
        return None if found is None else list(found)

    # -- how it is counted --------------------------------------------------------------------

    def _try_to_count(self, filters: FilterSet, start: int) -> Work[int | None]:
        """None if something happened that makes it start again."""
        if start > self.last_seq:
            return 0
        if filters.every:
            return self.count_all(start)
        before, behind = self.count_costs(start)
        front = not self.miscounted and before * 2 + len(self.tree) < behind
        mask = Mask(self.tree, filters)
        if self.miscounted or behind < min(len(self.tree), SCAN):
            return (yield from self._tally(filters, mask, start, U64_MAX))
        census = Census(self, filters, mask, start)
        self.attend(census)
        try:
            while not census.done:
                census.step(WALK)
                if census.straddled and not front and behind < len(self.tree):
                    break
                if not census.done:
                    yield
                if census.stale:
                    return None
            if not census.straddled:
                return census.later
            if not front:
                return (yield from self._tally(filters, mask, start, U64_MAX))
            below = yield from self._tally(filters, mask, 1, start - 1)
            if below is None or census.stale:
                return None
            return census.total - below
        finally:
            self.dismiss(census)

    def _tally(
        self, filters: FilterSet, mask: Mask | None, low: int, high: int
    ) -> Work[int | None]:
        self.keep_columns()
        tally = Tally(self, filters, mask, low, high)
        self.attend(tally)
        try:
            while not tally.done:
                block = tally.step(SCAN)
                if tally.stale:
                    return None
                if block is not None:
                    yield from self.loading(block)
                elif not tally.done:
                    yield
            return tally.count
        finally:
            self.dismiss(tally)
