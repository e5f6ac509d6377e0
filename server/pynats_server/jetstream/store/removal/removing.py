"""Taking messages out of a stream: one, those of a filter, or all below a sequence.

What is removed is fixed when a purge begins; messages that come later stay. Before anything goes
out of the index, a store on disk has written that it goes: a refused removal has removed nothing,
however long it would have been. Then it goes in steps.

`remove` is for what goes by a rule (expired, acknowledged by all): nobody is told that it was
refused, and what says so on disk may come when there is room again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final
from weakref import WeakSet

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import SEQ_MAX
from pynats_server.jetstream.store.errors import OutOfSequences, StoreFailed, Unavailable
from pynats_server.jetstream.store.record import record_size
from pynats_server.jetstream.store.removal.disposal import dispose
from pynats_server.jetstream.store.search.counts import Counts
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.queries import SCAN, only
from pynats_server.work import Work, finish

EMPTY_SIZE = record_size(0, 0, 0)  # a tombstone, or a mark of sequences used up
GAP_MAX = 100_000
"""Missing sequences that a block notes one by one; more of them begin a new block."""
TAKE: Final = 500
"""Messages that a step takes out."""


class Reach:
    """The last sequence that a purge may touch. It sinks when a full disk makes the store take back
    messages: others get their sequences."""

    __slots__ = ("__weakref__", "_gone_through", "last", "purged")

    def __init__(
        self,
        last: int,
        purged: bool = True,
        gone_through: Callable[[int], None] | None = None,
    ) -> None:
        self.last = last
        self.purged = purged  # see `Witness.gone`
        self._gone_through = gone_through

    def gone_through(self, seq: int) -> None:
        """A part has been removed: now nothing up to `seq` is left of what is to go."""
        if self._gone_through is not None:
            self._gone_through(min(seq, self.last))


class Removing(Counts):
    """What removes messages of either kind of store."""

    _reaches: WeakSet[Reach] | None = None  # of the purges that have not ended
    purges: int = 0  # that have begun and have not ended
    _undid = False  # a flush has found no room, and taken something back

    def _check(self) -> None:
        if self.failed is not None:
            raise StoreFailed(str(self.failed))

    def _bury(self, seq: int, ts: int) -> None:
        """Make a removal outlive a restart."""

    def flush(self) -> None:
        """Hand everything buffered to the operating system."""

    def _remember(self) -> None:
        """All that has happened until now has been written."""

    def _removing(self) -> None:
        """Called before each part of a removal. Raises StoreFailed."""
        self._check()

    def owe(self, filter: bytes, last: int) -> None:
        """Note that the messages of a filter up to a sequence go as soon as their files can be
        read: the message that was just appended takes their place."""

    def delete(self, seq: int) -> bool:
        """Delete one message that somebody wants to be deleted; False when it is not there."""
        return self.remove(seq)

    def remove(self, seq: int) -> bool:
        """Remove one message whose time is over; False when it is not there."""
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

    # -- purges -------------------------------------------------------------------------------

    def purging(
        self,
        filter: bytes = b">",
        up_to: int = 0,
        keep: int = 0,
        purged: bool = True,
        gone_through: Callable[[int], None] | None = None,
    ) -> Work[int]:
        """Delete messages of `filter` below `up_to` (0 = all) but the newest `keep`; returns how
        many. Nothing that is stored after this call is touched. Once begun it is to be finished,
        unless the store is closed. With `purged` off the witness hears of deletes."""
        reach = Reach(self.last_seq, purged, gone_through)
        self._reaches = self._reaches or WeakSet()
        self._reaches.add(reach)
        return self._purging(filter or b">", up_to, keep, reach)

    def forget_above(self, seq: int) -> None:
        """Sequences above `seq` will be given out again: nobody knows what had them any more."""
        super().forget_above(seq)
        for reach in self._reaches or ():
            reach.last = min(reach.last, seq)

    def _purging(self, filter: bytes, up_to: int, keep: int, reach: Reach) -> Work[int]:
        self._check()
        self.flush()  # a full disk must not bring back later what this does not find
        filters, last = only(filter), reach.last
        if filters.every and not keep and (not up_to or up_to > last) and self.last_seq == last:
            self.flush()  # else a full disk takes back what is to be purged
            reach.last = max(up_to, last + 1) - 1
            gone = self.compact(reach.last + 1)  # the next sequence
            reach.gone_through(reach.last)
            return gone
        if up_to:
            reach.last = min(up_to - 1, last)
        if keep:
            oldest = yield from self._oldest_kept(filters, keep, reach.last)
            reach.last = min(oldest - 1, reach.last)
        if reach.last < self.first_seq:
            return 0
        if filters.every:
            return (yield from self._drop_through(reach))
        return (yield from self._purge_filter(filter, filters, reach))

    def _oldest_kept(self, filters: FilterSet, keep: int, stop: int) -> Work[int]:
        """The sequence of the oldest of the newest `keep` messages at or before `stop`; 0 when
        there are not so many."""
        at = stop
        while at:
            keep, at, block = self.step_keep(filters, at, keep, SCAN)
            if not keep:
                return at
            if block is not None:
                yield from self.loading(block)
            elif at:
                yield
        return 0

    def _drop_through(self, reach: Reach) -> Work[int]:
        """Delete every message within reach, the oldest first. One floor says so; those in a block
        of which some stay leave tombstones for nats-server."""
        self._removing()
        self.flush()
        if self.tail is not None and self.tail.msgs and self.tail.last_seq <= reach.last:
            self.roll_block()
        self._announce(reach.last)
        gone = 0
        self.purges += 1
        try:
            while self.msgs and self.first_seq <= reach.last:
                self._check()
                block = self.blocks[self.block_at(self.first_seq)]
                if not block.loaded:
                    try:
                        yield from self.loading(block)
                    except Unavailable as error:
                        self._put_off(b">", reach.last, error)
                        break
                    continue
                self._removing()
                bury = self.on_disk and block.last_seq > reach.last
                gone += self.drop_front(reach.last + 1, TAKE, reach.purged, bury)
                reach.gone_through(self.first_seq - 1)
                self.floor_due = self.on_disk
                if not block.msgs and block is not self.tail:
                    self.dead = True
                    self.reap()
                self.touch()
                self._buried()
                yield
        finally:
            self.purges -= 1
        return gone

    def _purge_filter(self, filter: bytes, filters: FilterSet, reach: Reach) -> Work[int]:
        count, first, last = yield from self.bounds(filter)
        reach.last = min(reach.last, last)
        at = max(first, self.first_seq)
        if not count or at > reach.last:
            return 0
        self._removing()
        with self._intending(filter, reach):
            return (yield from self._purge_from(at, filter, filters, reach))

    def _purge_from(self, at: int, filter: bytes, filters: FilterSet, reach: Reach) -> Work[int]:
        gone = 0
        while at <= reach.last:
            index = self.block_at(at)
            if index >= len(self.blocks):
                break
            block = self.blocks[index]
            if block.msgs and block.first_seq <= reach.last:
                try:
                    gone += yield from self._purge_block(block, filters, at, reach)
                except Unavailable as error:
                    self._put_off(filter, reach.last, error)
            at = max(at, min(block.last_seq, reach.last)) + 1
        return gone

    def _put_off(self, filter: bytes, last: int, error: Unavailable) -> None:
        """A part of a purge has to wait for a file that cannot be read: that it goes is written."""

    def _intending(self, filter: bytes, reach: Reach) -> AbstractContextManager[None]:
        """A purge, from now on to its end, that a restart would carry out. Raises StoreFull."""
        return nullcontext()

    def _purge_block(self, block: Block, filters: FilterSet, at: int, reach: Reach) -> Work[int]:
        gone = 0
        while at and block.msgs:
            if not block.loaded:
                yield from self.loading(block)
                continue
            self._removing()
            part, at = self.purge_part(block, filters, at, reach.last, TAKE * 8, True, reach.purged)
            gone += part
            if part:
                reach.gone_through(at - 1 if at else block.last_seq)
            self._buried()
            yield
        if gone:
            self._after_removal(block.last_seq)
        return gone

    def _buried(self) -> None:
        """Called after each part of a purge that left tombstones."""

    def compact(self, seq: int) -> int:
        """Delete every message below `seq`, at once; returns how many. In O(blocks) if nothing
        stays."""
        self._check()
        _check_range(seq)
        if seq <= self.last_seq:
            return finish(self._drop_through(Reach(seq - 1)))
        self._removing()
        self.flush()
        if self.tail is not None and self.tail.msgs:
            self.roll_block()
        self._announce(seq - 1)
        gone, subjects = self.unlink_everything()
        dispose(subjects, self._let_go())
        self.dead = len(self.blocks) > 1
        if seq > self.last_seq + 1:
            self._use_up(seq - 1, self.last_ts)
            self._remember()
        self.reap()
        self.touch()
        return gone

    def keep_last(self) -> int:
        """Delete all messages but the last one, which has just been appended, in O(blocks). If
        the disk is full, that one is taken back."""
        self._removing()
        if self.on_disk and self.tail is not None:
            self.bury_tail(self.last_seq - 1)
            self.tail.mark_floor(self.last_seq - 1, self.last_ts)
        self.flush()  # together with the message
        self.passed = self.last_seq - 1
        gone, subjects = self.unlink_but_last()
        dispose(subjects, self._let_go())
        self.dead = len(self.blocks) > 1
        self.reap()
        self.touch()
        return gone

    def _let_go(self) -> list[Block]:
        """Parts with blocks that are of no more use, all but the tail, if they are in memory."""
        return []

    # -- sequences ----------------------------------------------------------------------------

    def _announce(self, through: int) -> None:
        """Write that everything goes up to and with a sequence: the end and more, or all that is in
        blocks before the tail. The tail remembers the last sequence on its own. Raises StoreFull,
        and then nothing has changed."""
        assert self.tail is not None
        if through >= self.last_seq:
            self.tail.mark(self.last_seq, self.last_ts, True)
        if through > self.last_seq:
            self.tail.mark(through, self.last_ts, False)
        if self.on_disk:
            self.tail.mark_floor(through, self.last_ts)
        self.flush()
        self.passed = max(self.passed, through)

    def skip(self, count: int, ts: int) -> int:
        """Use up `count` sequences without messages; returns the last of them."""
        self._check()
        if count < 1:
            raise ValueError("skip at least one sequence")
        _check_range(self.last_seq + count)
        if ts < self.last_ts:
            self.turn_back(ts)
            ts = self.time_for(ts)
        tail = self.tail
        wide = tail is not None and tail.msgs and count > GAP_MAX
        if tail is None or wide or tail.buffered + EMPTY_SIZE > self.block_size:
            tail = self.roll_block()
        last = self.last_seq + count
        tail.mark(last, ts, False)
        self._use_up(last, ts)
        self.touch()
        return last

    def _use_up(self, last: int, ts: int) -> None:
        """The sequences up to `last` have no messages, as the tail says already."""
        tail = self.tail
        assert tail is not None
        if tail.msgs:
            tail.deleted.add_range(tail.last_seq + 1, last)
        else:
            tail.first_seq = last + 1
        tail.last_seq, tail.last_ts = last, ts
        self.last_seq, self.last_ts = last, ts
        if not self.msgs:
            self.first_seq, self.first_ts = last + 1, 0


def _check_range(seq: int) -> None:
    if seq > SEQ_MAX:
        raise OutOfSequences(f"sequence {seq} is beyond the highest one, {SEQ_MAX}")
