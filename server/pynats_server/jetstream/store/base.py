"""What both kinds of stores do alike, on top of the compiled retention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from pynats_server.jetstream.store.block import Message
from pynats_server.jetstream.store.contract import SEQ_MAX, U64_MAX, StoreState
from pynats_server.jetstream.store.errors import SequenceNotFound
from pynats_server.jetstream.store.places import SourcePlaces
from pynats_server.jetstream.store.removal.limiting import Limiting
from pynats_server.jetstream.store.search.queries import NEAR, is_literal
from pynats_server.jetstream.store.seqset import SequenceSet
from pynats_server.jetstream.store.subjects import matches
from pynats_server.work import Work, finish

DELETED_MAX = 1_000_000
"""Missing sequences listed at most: a mirror may miss any number if its origin jumped."""
NOTHING = SequenceSet()


class BlockStore(Limiting):
    """Everything of the `Store` interface that does not depend on where blocks live."""

    unreadable: dict[int, str]
    on_failed: Callable[[], None] | None = None  # see `Store`
    on_undo: Callable[[int], None] | None = None  # see `Store`
    on_full: Callable[[], None] | None = None  # see `Store`
    on_turned: Callable[[int], None] | None = None  # see `Store`
    places: SourcePlaces
    background: Callable[[Work[None]], None] | None = None  # see `Store`

    def on_turn(self, by_ns: int) -> None:
        """Times of messages go back."""
        if self.on_turned is not None:
            self.on_turned(by_ns)

    @property
    def whole_to(self) -> int:
        """See `Store`."""
        return SEQ_MAX

    @property
    def num_subjects(self) -> int:
        """Subjects with messages."""
        return len(self.tree)

    @property
    def lost(self) -> SequenceSet:
        """See `Store.lost`."""
        return NOTHING

    @property
    def lost_bytes(self) -> int:
        """See `Store.lost_bytes`."""
        return 0

    def load_previous(self, filter: bytes, stop: int) -> Message | None:
        """The last live message of `filter` at or before `stop`, or None."""
        if filter == b">":
            return self.previous_of(filter, 0, stop)
        if is_literal(filter):
            count, first, last = self.literal_bounds(filter)
            return self.previous_of(filter, first, min(stop, last)) if count else None
        stop = min(stop, self.last_seq)
        near = self.previous_of(filter, max(0, stop - NEAR), stop)
        if near is not None or stop - NEAR <= self.first_seq:
            return near
        return finish(self.find_last(filter, stop - NEAR))

    def load_last(self, filter: bytes) -> Message | None:
        """The newest message of `filter`, or None."""
        return self.load_previous(filter, U64_MAX)

    def purge(self, filter: bytes = b">", up_to: int = 0, keep: int = 0) -> int:
        """Delete messages of `filter` below `up_to` (0 = all) but the newest `keep`."""
        return finish(self.purging(filter, up_to, keep))

    def seq_from_time(self, ts: int, start: int = 1) -> int:
        """First live sequence >= `start` with a timestamp >= `ts`; last_seq + 1 without one."""
        return finish(self.find_since(ts, start))

    def oldest(self) -> Iterator[tuple[int, int]]:
        """(sequence, timestamp) of live messages in order; removing while iterating is fine."""
        start = self.first_seq
        while (message := self.next_of(b">", start, U64_MAX)) is not None:
            yield message.seq, message.ts
            start = message.seq + 1

    def state(self, deleted: bool = False) -> StoreState:
        """Counters; with `deleted`, the missing sequences between first and last, the lowest
        `DELETED_MAX` of them; `num_deleted` counts all."""
        made = StoreState(
            self.msgs,
            self.nbytes,
            self.first_seq,
            self.last_seq,
            self.first_ts,
            self.last_ts,
            len(self.tree),
            max(0, self.last_seq + 1 - self.first_seq - self.msgs),
            lost=self.lost.members(0, DELETED_MAX),
            lost_bytes=self.lost_bytes,
        )
        if deleted:
            made.deleted = list(chain.from_iterable(self.missing(DELETED_MAX)))
        return made

    def lost_between(self, start: int, end: int) -> list[int]:
        """Sequences in start..end that are lost.

        Searches skip lost messages silently; a reader that has to report them asks here for
        the range it has just crossed. Reading a block for the first time may find more, so ask
        after the read.
        """
        return self.lost.between(start, end)

    def get(self, seq: int) -> Message | None:
        """`load` that answers None for a missing sequence (damage still raises)."""
        try:
            return self.load(seq)
        except SequenceNotFound:
            return None


__all__ = ["BlockStore", "is_literal", "matches"]
