"""What both kinds of stores do alike, on top of the compiled retention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from pynats_server.jetstream.store.block import Block, Message
from pynats_server.jetstream.store.contract import SEQ_MAX, StoreState
from pynats_server.jetstream.store.errors import OutOfSequences, SequenceNotFound, StoreFailed
from pynats_server.jetstream.store.places import SourcePlaces
from pynats_server.jetstream.store.record import record_size
from pynats_server.jetstream.store.retention import Retention
from pynats_server.jetstream.store.seqset import SequenceSet
from pynats_server.jetstream.store.subjects import matches

U64_MAX = (1 << 64) - 1
EMPTY_SIZE = record_size(0, 0, 0)  # a tombstone, or a mark of sequences used up
DELETED_MAX = 1_000_000
"""Missing sequences listed at most: a mirror may miss any number if its origin jumped."""
GAP_MAX = 100_000
"""Missing sequences that a block notes one by one; more of them begin a new block."""
NEAR = 1000
"""How many sequences are scanned before a wildcard's subjects are asked where its messages are:
reading many messages in a row would otherwise visit many subjects for each of them."""


def is_literal(filter: bytes) -> bool:
    """Whether no token of the filter is a wildcard."""
    return not any(token in (b"*", b">") for token in filter.split(b"."))


class BlockStore(Retention):
    """Everything of the `Store` interface that does not depend on where blocks live."""

    lost: SequenceSet
    lost_bytes: int = 0
    on_undo: Callable[[int], None] | None = None  # see `Store`
    places: SourcePlaces

    @property
    def num_subjects(self) -> int:
        """Subjects with messages."""
        return len(self.tree)

    def _bury(self, seq: int, ts: int) -> None:
        """Make a removal outlive a restart."""

    def _leave_tail(self) -> None:
        """Start a new block that remembers the last sequence on its own."""
        self.roll_block()
        assert self.tail is not None
        self.tail.mark(self.last_seq, self.last_ts, True)
        self.flush()

    def flush(self) -> None:
        """Hand everything buffered to the operating system."""

    def _check(self) -> None:
        if self.failed is not None:
            raise StoreFailed(str(self.failed))

    def load_next(self, filter: bytes, start: int) -> Message | None:
        """The first live message of `filter` at or after `start`, or None."""
        if filter == b">":
            return self.next_of(filter, start, U64_MAX)
        if start > self.last_seq:
            return None
        if not is_literal(filter):
            near = self.next_of(filter, start, start + NEAR)
            if near is not None or start + NEAR >= self.last_seq:
                return near
        subjects, _, first, last = self.subject_bounds(filter)
        if not subjects or last < start:
            return None
        return self.next_of(filter, max(start, first), last)

    def load_previous(self, filter: bytes, stop: int) -> Message | None:
        """The last live message of `filter` at or before `stop`, or None."""
        if filter == b">":
            return self.previous_of(filter, 0, stop)
        if not is_literal(filter):
            stop = min(stop, self.last_seq)
            near = self.previous_of(filter, max(0, stop - NEAR), stop)
            if near is not None or stop - NEAR <= self.first_seq:
                return near
        subjects, _, first, last = self.subject_bounds(filter)
        if not subjects or first > stop:
            return None
        return self.previous_of(filter, first, min(stop, last))

    def load_last(self, filter: bytes) -> Message | None:
        """The newest message of `filter`, or None."""
        return self.load_previous(filter, U64_MAX)

    def multi_last(self, filters: Iterable[bytes], up_to: int = 0) -> list[int]:
        """Sequences of the newest message (not above `up_to` when given) of every subject."""
        found: set[int] = set()
        for filter in filters:
            for subject, (_, _, last) in self.subject_states(filter).items():
                if up_to and last > up_to:
                    message = self.load_previous(subject, up_to)
                    if message is None:
                        continue
                    last = message.seq
                found.add(last)
        return sorted(found)

    def seq_from_time(self, ts: int) -> int:
        """First live sequence with a timestamp >= `ts`; last_seq + 1 when there is none."""
        for block in self.blocks:
            if not block.msgs or block.last_ts < ts:
                continue
            if block.first_ts >= ts:
                return block.first_seq
            if not block.loaded:
                self.load_block(block)
            for seq, stamp, _, _ in block.live():
                if stamp >= ts:
                    return seq
        return self.last_seq + 1

    def remove(self, seq: int) -> bool:
        """Delete one message; False when it is not there."""
        self._check()
        gone = self.unlink(seq)
        if gone is None:
            return False
        self._bury(seq, gone[1])
        self._after_removal(seq)
        return True

    def _after_removal(self, seq: int) -> None:
        """Have the block of a removed sequence released when nothing in it lives."""
        at = self.block_at(seq)
        if at < len(self.blocks) and self.blocks[at] is not self.tail:
            if not self.blocks[at].msgs:
                self.dead = True
                self.reap()
            elif self.is_sparse(self.blocks[at]):
                self.on_sparse(self.blocks[at])

    def purge(self, filter: bytes = b">", up_to: int = 0, keep: int = 0) -> int:
        """Delete messages of `filter` below `up_to` (0 = all) but the newest `keep`."""
        self._check()
        if filter in (b">", b"") and not up_to and not keep:
            return self._purge_all()
        if filter in (b">", b"") and not keep and up_to > self.last_seq:
            return self.compact(up_to)  # the next sequence becomes `up_to`
        return sum(self.purge_steps(filter, up_to, keep))

    def purge_steps(self, filter: bytes = b">", up_to: int = 0, keep: int = 0) -> Iterator[int]:
        """`purge` in pieces of at most one block; yields how many each removed. Appends and
        reads may come in between; messages stored after the start are not touched."""
        self._check()
        filter = filter or b">"
        stop = min(up_to - 1, self.last_seq) if up_to else self.last_seq
        if keep:
            stop = self._below_newest(filter, keep, stop)
        subjects, _, first, last = self.subject_bounds(filter)
        at, stop = max(first, self.first_seq), min(stop, last)
        while subjects and at <= stop:
            index = self.block_at(at)
            if index >= len(self.blocks):
                return
            block = self.blocks[index]
            at = max(at, block.last_seq) + 1
            if block.msgs and block.first_seq <= stop:
                yield self._purge_one(block, filter, stop)

    def _below_newest(self, filter: bytes, keep: int, stop: int) -> int:
        """The sequence below the newest `keep` messages of `filter` at or before `stop`; 0 when
        no others exist."""
        for block in reversed(self.blocks):
            if not block.msgs or block.first_seq > stop:
                continue
            top = min(stop, block.last_seq)
            if filter == b">" and top == block.last_seq:
                found = block.msgs
            else:
                if not block.loaded:
                    self.load_block(block)
                found = block.count_matches(filter, 0, top)
            if found < keep:
                keep -= found
                continue
            if not block.loaded:
                self.load_block(block)
            low, high = block.first_seq, top  # the sequence of the oldest that stays
            while low < high:
                middle = (low + high + 1) // 2
                if block.count_matches(filter, middle, top) >= keep:
                    low = middle
                else:
                    high = middle - 1
            return low - 1
        return 0

    def _purge_one(self, block: Block, filter: bytes, stop: int) -> int:
        gone = self.purge_block(block, filter, 0, stop)
        if gone:
            self._after_removal(block.last_seq)
        return gone

    def _purge_all(self) -> int:
        gone = self.msgs
        self.compact(self.last_seq + 1)
        return gone

    def compact(self, seq: int) -> int:
        """Delete every message below `seq`; returns how many."""
        self._check()
        _check_range(seq)
        gone = 0
        tail = self.tail
        if tail is not None and tail.msgs and tail.last_seq < seq:
            self._leave_tail()
        for block in list(self.blocks):
            if block is self.tail or block.last_seq >= seq:
                break
            gone += self.unlink_all(block)
            self.dead = True
        self.find_first()
        gone += self.drop_front(seq)
        self.floor_due = self.on_disk
        if seq > self.last_seq + 1:
            self.skip(seq - 1 - self.last_seq, self.last_ts)
        elif not self.msgs:
            self.first_seq = self.last_seq + 1
        if self.blocks and not self.blocks[0].msgs and self.blocks[0] is not self.tail:
            self.dead = True
        self.reap()
        self.touch()
        return gone

    def oldest(self) -> Iterator[tuple[int, int]]:
        """(sequence, timestamp) of live messages in order; removing while iterating is fine."""
        start = self.first_seq
        while (message := self.next_of(b">", start, U64_MAX)) is not None:
            yield message.seq, message.ts
            start = message.seq + 1

    def num_pending(self, filter: bytes, start: int) -> int:
        """Live messages of `filter` at or after `start`; counts blocks whole where it can."""
        subjects, total, first, _ = self.subject_bounds(filter)
        if not subjects:
            return 0
        if start <= first:
            return total
        whole = filter == b">"
        found = 0
        for block in self.blocks[self.block_at(start) :]:
            if whole and start <= block.first_seq:
                found += block.msgs
            elif block.msgs:
                if not block.loaded:
                    self.load_block(block)
                found += block.count_matches(filter, start, U64_MAX)
        return found

    def skip(self, count: int, ts: int) -> int:
        """Use up `count` sequences without messages; returns the last of them."""
        self._check()
        if count < 1:
            raise ValueError("skip at least one sequence")
        _check_range(self.last_seq + count)
        tail = self.tail
        wide = tail is not None and tail.msgs and count > GAP_MAX
        if tail is None or wide or tail.buffered + EMPTY_SIZE > self.block_size:
            tail = self.roll_block()
        last = self.last_seq + count
        tail.mark(last, ts, False)
        if tail.msgs:
            tail.deleted.add_range(tail.last_seq + 1, last)
        else:
            tail.first_seq = last + 1
        tail.last_seq, tail.last_ts = last, ts
        self.last_seq, self.last_ts = last, max(self.last_ts, ts)
        if not self.msgs:
            self.first_seq, self.first_ts = last + 1, 0
        self.touch()
        return last

    def state(self, deleted: bool = False) -> StoreState:
        """Counters; with `deleted`, the missing sequences between first and last, the lowest
        `DELETED_MAX` of them; `num_deleted` counts all."""
        missing = max(0, self.last_seq + 1 - self.first_seq - self.msgs)
        made = StoreState(
            self.msgs,
            self.nbytes,
            self.first_seq,
            self.last_seq,
            self.first_ts,
            self.last_ts,
            len(self.tree),
            missing,
            lost=list(self.lost),
            lost_bytes=self.lost_bytes,
        )
        if deleted and missing:
            made.deleted = list(islice(self._gaps(), DELETED_MAX))
        return made

    def _gaps(self) -> Iterator[int]:
        expected = self.first_seq
        for block in self.blocks:
            if not block.msgs:
                continue
            yield from range(expected, block.first_seq)
            yield from block.deleted
            expected = block.last_seq + 1
        yield from range(expected, self.last_seq + 1)

    def lost_between(self, start: int, end: int) -> list[int]:
        """Sequences in start..end that are lost because their bytes are damaged.

        `load_next` skips lost messages silently; a reader that has to report them asks here for
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


def _check_range(seq: int) -> None:
    if seq > SEQ_MAX:
        raise OutOfSequences(f"sequence {seq} is beyond the highest one, {SEQ_MAX}")


__all__ = ["BlockStore", "is_literal", "matches"]
