"""A store on disk, what removes: tombstones, notes of purges, blocks in which nothing lives.

That something goes is written before it goes (see `removal.removing`). A purge with a filter writes
one note, however much goes: the next start would carry it out. Tombstones follow as there is room;
a block of which all goes needs none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.errors import StoreFull, Unavailable
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.rewriting import RewrittenBlocks
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer, Task
from pynats_server.jetstream.store.format.purge_note import encode_purge
from pynats_server.jetstream.store.removal.removing import EMPTY_SIZE, TAKE, Reach
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.queries import only
from pynats_server.work import Work, finish

BIG_PURGE = 10_000


class BuriedBlocks(RewrittenBlocks):
    """Blocks on disk whose messages go."""

    def __init__(self, files: StreamFolder, syncer: Syncer) -> None:
        super().__init__(files, syncer)
        self._bare: set[int] = set()  # blocks that a purge empties, without tombstones
        self._unfinished: dict[bytes, int] = {}  # purges that wait for a file, by filter

    def owe(self, filter: bytes, last: int) -> None:
        """See `Store.owe`."""
        self._append_note(encode_purge(filter, last))
        self._finish_later(filter, last)

    def delete(self, seq: int) -> bool:
        """See `Store.delete`. Raises StoreFull before anything has changed."""
        self.guard()
        self.flush()
        if not self.is_live(seq):
            return False
        if self.places.told_by(seq):
            self._removing()
        self._mark(seq, self.load(seq).ts)
        self.flush()
        self.unlink(seq)
        self._after_removal(seq)
        return True

    def remove(self, seq: int) -> bool:
        """See `Store.remove`."""
        if self.places.unsaved and self.places.told_by(seq):
            self._removing()
        removed = super().remove(seq)
        self._owes = self._owes or removed
        return removed

    def _removing(self) -> None:
        self._before_removal()
        self._removed = True

    def _mark(self, seq: int, ts: int) -> None:
        self._make_place(EMPTY_SIZE)
        assert self.tail is not None
        if seq <= self.last_seq:  # else it was taken back just now, and another gets its sequence
            self.tail.mark(seq, ts, True)
            self.touch()

    def _bury(self, seq: int, ts: int) -> None:
        self._mark(seq, ts)

    def _bury_dead(self) -> list[Block]:
        """The blocks without live messages that can go; tombstones still needed are moved first.

        A block below the first live message is not needed: the floor written with this flush
        covers it. One further back may hold tombstones for older blocks; they are copied to the
        tail, unless they are most of the block: then it stays until the front has passed it.
        """
        self.dead = False
        gone = []
        covered = self.losses.floor(self.first_seq - 1, self.passed)
        for block in self.blocks:
            if block.msgs or block is self.tail or self._may_heal(block):
                continue
            if block.last_seq <= covered:
                self.floor_due = True
                gone.append(block)
            elif not block.grave and self._carry_tombstones(block):
                self.floor_due = True  # the newest may be in there
                gone.append(block)
        if gone and self.tail is not None and not self.is_live(self.last_seq):
            # It may be known from them alone. Lost, it may come back: then it is just used up.
            self.tail.mark(self.last_seq, self.last_ts, not self.losses.has(self.last_seq))
        return gone

    def _may_heal(self, block: Block) -> bool:
        """Whether a block lacks messages that are neither passed nor given up: its file, or a good
        one in its place, may have them again."""
        return self.losses.doubts(block.index) and any(
            loss.block == block.index and loss.last > self.passed for loss in self.losses.open()
        )

    def _carry_tombstones(self, block: Block) -> bool:
        """Copy the tombstones of a dead block that still cover records in other blocks to the
        tail; False when the block has to stay instead."""
        try:
            if not block.loaded:
                self.load_block(block)
        except Unavailable:
            return False  # it stays for now
        needed = [(seq, ts) for seq, ts in block.tombstones() if self._covers(block, seq)]
        assert self.tail is not None
        if block.index not in self._bare and len(needed) * EMPTY_SIZE * 2 > block.buffered:
            block.grave = True
            return False
        for seq, ts in needed:
            self.tail.mark(seq, ts, True)
        return True

    def _covers(self, block: Block, seq: int) -> bool:
        """Whether a record of a removed sequence may still lie in another block's file."""
        at = self.block_at(seq)
        return seq >= self.blocks[0].base and at < len(self.blocks) and self.blocks[at] is not block

    def _release(self, dead: list[Block]) -> None:
        """Delete emptied blocks' files once what made them dead is durable.

        The floor in the tail speaks for those at the front, so the saved index may stay. Others
        have tombstones, or a note of the purge that they died of.
        """
        paths: list[Path] = []
        numbers = [block.index for block in dead]
        covered = True
        for block in dead:
            if block.last_seq > self.losses.floor(self.first_seq - 1, self.passed):
                self.retire_index()
                covered = False
            self._bare.discard(block.index)
            self.blocks.remove(block)
            if block.loaded:
                self._cached -= block.buffered
            if block.file is not None:
                self.committer.forget(block.file)
                self.committer.close_later(block.file)
                block.file = None
            paths += [self.files.path_of(block), self.files.key_path(block.index)]
        work = self.ledger.removing(numbers, partial(self.files.delete, paths), covered)
        self.committer.after(Task(work))

    def _purging(self, filter: bytes, up_to: int, keep: int, reach: Reach) -> Work[int]:
        """As in `Removing`; the last step writes, and saves the index after a big purge."""
        gone = yield from super()._purging(filter, up_to, keep, reach)
        with contextlib.suppress(StoreFull):  # that it goes was written before it went
            self.flush()
            if gone > BIG_PURGE:
                self.save_index()
        return gone

    @contextlib.contextmanager
    def _intending(self, filter: bytes, reach: Reach) -> Iterator[None]:
        """A note says what goes; tombstones follow. Raises StoreFull."""
        self.flush()
        note = encode_purge(filter, reach.last)
        self._append_note(note)
        self.flush()
        self._intents.append(note)
        try:
            yield
        finally:
            self._intents.remove(note)

    def _purge_block(self, block: Block, filters: FilterSet, at: int, reach: Reach) -> Work[int]:
        dies = block is not self.tail and not self.losses.doubts(block.index)
        if not (dies and (yield from self._dies(block, filters, reach.last))):
            return (yield from super()._purge_block(block, filters, at, reach))
        self._bare.add(block.index)
        gone, at = 0, block.first_seq
        try:
            while at and block.msgs:
                if not block.loaded:
                    yield from self.loading(block)
                    continue
                self._removing()
                part, at = self.purge_part(
                    block, filters, at, reach.last, TAKE * 8, False, reach.purged
                )
                gone += part
                if part:
                    reach.gone_through(at - 1 if at else block.last_seq)
                yield
            if block.msgs:  # others than those that were counted went meanwhile
                yield from self._bury_gone(block)
        finally:
            self._after_removal(block.last_seq)
        return gone

    def _bury_gone(self, block: Block) -> Work[None]:
        """Leave tombstones of a block's removed messages after all."""
        while block.msgs and not block.loaded:
            yield from self.loading(block)
        for at, seq in enumerate(block.record_seqs(), 1):
            if not self.is_live(seq):
                self._mark(seq, self.last_ts)
            if at % TAKE == 0:
                yield
        if block.msgs:
            self._bare.discard(block.index)

    def _buried(self) -> None:
        self._make_place(0)

    def _dies(self, block: Block, filters: FilterSet, stop: int) -> Work[bool]:
        """Whether a purge takes every message of a block, which then needs no tombstones."""
        first, last = block.first_seq, block.last_seq
        if last > stop:
            return False
        return (yield from self.count_between(filters, first, last)) == block.msgs

    # Purges that were interrupted.

    def _resume_purges(self, purges: dict[bytes, int]) -> None:
        """Carry out the purges that the log tells of, if a crash has left something of them."""
        for filter, last in purges.items():
            finish(self._resuming(filter, last))

    def _resuming(self, filter: bytes, last: int) -> Work[None]:
        """Go on with a purge of which the log has a note."""
        note = encode_purge(filter, last)
        self._intents.append(note)
        try:
            count, first, end = yield from self.bounds(filter)
            reach = Reach(min(last, end))
            if count and first <= reach.last:
                at = max(first, self.first_seq)
                yield from self._purge_from(at, filter, only(filter), reach)
        finally:
            self._intents.remove(note)

    def _notes(self) -> list[bytes]:
        waiting = [encode_purge(filter, last) for filter, last in self._unfinished.items()]
        return [*self._intents, *waiting]

    def _put_off(self, filter: bytes, last: int, error: Unavailable) -> None:
        if not self._unfinished:
            self.files.problem(f"a purge goes on when all can be read: {error}")
        self._finish_later(filter, last)

    def _finish_later(self, filter: bytes, last: int) -> None:
        self._unfinished[filter] = max(last, self._unfinished.get(filter, 0))
        self._write_later()

    def _go_on(self) -> None:
        if not self._unfinished or self.failed is not None:
            return
        if self.background is None:
            finish(self._going_on())
        else:
            self.background(self._going_on())

    def _going_on(self) -> Work[None]:
        for filter in list(self._unfinished):
            last = self._unfinished.pop(filter, 0)  # new blocks get the others' notes meanwhile
            yield from self._resuming(filter, last)
