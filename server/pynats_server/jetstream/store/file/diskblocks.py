"""An index over blocks on disk: how they come back into memory, and what of them stays there.

What is missing when a block is read is a loss from then on.
"""

from __future__ import annotations

import contextlib
import os
import time

from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.block import Block, BlockScan, Message
from pynats_server.jetstream.store.contract import SEQ_MAX
from pynats_server.jetstream.store.errors import CorruptRecord, SequenceNotFound, Unavailable
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.format.index_db import BlockEntry, FullState
from pynats_server.jetstream.store.inventory.losses import NAMED_MAX, Loss, Losses
from pynats_server.jetstream.store.inventory.ranges import (
    Range,
    count,
    live_ranges,
    named,
    ranges_of,
    without,
)
from pynats_server.jetstream.store.inventory.unavailable import (
    Gap,
    gap_at,
    gaps_between,
    reason_of,
)
from pynats_server.jetstream.store.search.listing import SubjectListing
from pynats_server.jetstream.store.seqset import SequenceSet
from pynats_server.work import Work

CHECK = 1000  # records of a block that a step looks at
SCAN = 128 * 1024  # bytes of a block that a step looks at: 0.2 ms, if the records are small
NO_STRANGER = -1  # see `find_stranger`
LIST_AT_ONCE = 1 << 40  # subjects
GLANCE_SPARE = 64 * 1024  # bytes: tombstones may make a block longer than its size


class DiskBlocks(BlockStore):
    """The reading half of a store on disk: whole while nothing is written."""

    def __init__(self, files: StreamFolder) -> None:
        self.files = files
        self.on_disk = True
        self.block_size = files.config.block_size
        self.losses = Losses()
        self.strict = False  # what is missing or damaged is an error
        self.gaps: list[Gap] = []
        self.unreadable: dict[int, str] = {}
        self.first_seq, self.last_seq = files.config.first_seq, files.config.first_seq - 1
        self._cached = 0
        self._clock_of_use = 0

    @property
    def lost(self) -> SequenceSet:
        """See `Store.lost`."""
        return self.losses.sequences

    @property
    def lost_bytes(self) -> int:
        """See `Store.lost_bytes`."""
        return self.losses.nbytes

    def take_blocks(self, other: DiskBlocks) -> None:
        """Continue with the blocks of `other`, an index over the same folder, not used again."""
        self.take_over(other)
        self.losses = other.losses
        self.gaps, self.unreadable = other.gaps, other.unreadable
        self._cached, self._clock_of_use = other._cached, other._clock_of_use

    def index_state(self) -> FullState:
        """What index.db says of the store right now."""
        listing = SubjectListing(self.tree, self.blocks)
        while listing.step(LIST_AT_ONCE):
            pass
        return self.index_state_with(b"".join(listing.parts))

    def index_state_with(self, subjects: bytes) -> FullState:
        """The same with a list of subjects that was made otherwise."""
        assert self.tail is not None
        entries = [
            BlockEntry(
                b.index,
                b.nbytes,
                b.first_seq,
                b.first_ts,
                b.last_seq,
                b.last_ts,
                b.deleted,
                b.ttls,
                b.schedules,
            )
            for b in self.blocks
            if b.msgs or b is self.tail
        ]
        return FullState(
            self.msgs,
            self.nbytes,
            self.first_seq,
            self.first_ts,
            self.last_seq,
            self.last_ts,
            subjects,
            entries,
            self.tail.index,
            self.tail.last_sum(),
        )

    def leave_gaps(self, unreadable: dict[int, OSError], floor: int) -> None:
        """Name what is in blocks that cannot be read: it is not lost, and nothing is written until
        they can be."""
        self.gaps = gaps_between(self.blocks, unreadable, floor)
        for gap in self.gaps:
            self.files.hold(str(gap))
        self.losses.found((gap.first, gap.last) for gap in self.gaps)

    @property
    def whole_to(self) -> int:
        """The last sequence before which nothing is unavailable."""
        return self.gaps[0].first - 1 if self.gaps else SEQ_MAX

    def load(self, seq: int) -> Message:
        """See `Store.load`."""
        try:
            return super().load(seq)
        except SequenceNotFound:
            gap = gap_at(self.gaps, seq)
            if gap is None:
                raise
            raise Unavailable(str(gap)) from None

    def load_block(self, block: Block) -> None:
        """Read a block back into memory; what it has lost is named, and counts no more."""
        _, _, holes = block.scan(self._content(block))
        self._loaded(block, holes, self.strangers(block))

    def loading(self, block: Block) -> Work[None]:
        """`load_block` in steps. Nobody sees the block before it is whole."""
        while block.msgs and not block.loaded:
            used = block.used_at
            data = self._content(block)
            yield
            fresh = Block(block.index, block.first_seq, self.files.config.name)
            scan = BlockScan(fresh, data)
            while scan.step(SCAN):
                yield
            at = 0
            while at >= 0 and not block.loaded and block.used_at == used:
                yield
                fresh.first_seq, fresh.last_seq = block.first_seq, block.last_seq
                fresh.deleted = block.deleted
                at = self.find_stranger(fresh, at, CHECK)
            if not block.loaded and block.used_at == used:  # else it was in memory meanwhile
                block.take_buffer(fresh)
                self._loaded(block, scan.holes, self.strangers(block) if at != NO_STRANGER else [])

    def _content(self, block: Block) -> bytes:
        try:
            data = self.files.read_block(block)
        except FileNotFoundError:
            data = b""
        except OSError as error:  # a later try may succeed: nothing is lost yet
            self.cannot_read(block.index, error)
            raise Unavailable(self.unreadable[block.index]) from error
        self.unreadable.pop(block.index, None)
        return data

    def cannot_read(self, number: int, error: OSError) -> None:
        """Tell of a block, once."""
        reason = reason_of(f"block {number}", error)
        if self.unreadable.get(number) != reason:
            self.unreadable[number] = reason
            self.files.problem(reason)

    def _loaded(self, block: Block, holes: list[tuple[int, int]], strangers: list[int]) -> None:
        damaged = bool(holes or strangers)
        if holes:
            self.files.damaged.add(self.files.path_of(block))
        if damaged or block.count_live() < block.msgs:
            if self.strict:
                raise CorruptRecord(f"block {block.index} is damaged")
            have = block.record_seqs()
            live = live_ranges(block.first_seq, block.last_seq, block.deleted)
            missing = without(live, ranges_of(have)) if block.msgs else []
            if missing:
                self._lose(block, missing, "damaged" if damaged or have else "missing")
        self._cached += block.buffered
        self.keep_in_cache(block)

    def _lose(self, block: Block, missing: list[Range], how: str) -> None:
        """Count what a block that was read lacks no more. Nobody knows its subjects, which go on
        counting it until every block is read at a start."""
        nbytes = max(0, block.nbytes - sum(size for *_, size in block.live()))
        for first, last in missing:
            for seq in range(first, last + 1):
                self.abandon(seq)
        if block.msgs:  # else there is nothing left to count
            block.nbytes -= nbytes
            self.nbytes -= nbytes
        block.column, self.miscounted = None, True
        self.tell_swept()
        reason, now, share = f"{block.index}.blk is {how}", time.time_ns(), nbytes // count(missing)
        seen = self.files.digest(block.index)
        lost = [
            Loss(first, last, block.index, reason, now, share * (last + 1 - first), seen=seen)
            for first, last in missing
        ]
        if self.losses.add(lost):
            self.files.problem(f"lost {named(missing, NAMED_MAX)} ({reason})")
        self.on_loss()

    def on_loss(self) -> None:
        """Called when a loss has been found."""

    def glance(self, blocks: list[Block]) -> None:
        """Look through the blocks' files for headers without loading them: the window of message
        ids may be large, and few streams use them."""
        room = bytearray()
        for block in blocks:
            if not self.files.disk.native or block.cipher is not None:
                continue
            with contextlib.suppress(OSError), self.files.path_of(block).open("rb", 0) as file:
                room = room or bytearray(self.block_size + GLANCE_SPARE)
                size = file.readinto(room) or 0
                if size == os.fstat(file.fileno()).st_size:
                    block.glance(memoryview(room)[:size])

    def keep_in_cache(self, block: Block) -> None:
        """Note a use of a block's buffer, and drop the buffers unused for longest."""
        self._clock_of_use += 1
        block.used_at = self._clock_of_use
        block.recent = True
        while self._cached > self.files.config.cache_bytes:
            idle = [b for b in self.blocks if b.loaded and b is not block and self._evictable(b)]
            if not idle:
                return
            self._drop(min(idle, key=lambda b: b.used_at or 0))
        if self._cached > self.files.config.kept_bytes:
            self.on_much_cached()

    def not_as_read(self, block: Block) -> None:
        """The block's file is another one: whoever reads it in steps begins anew."""
        self._clock_of_use += 1
        block.used_at = self._clock_of_use

    def on_much_cached(self) -> None:
        """Called when there are more buffers than are kept for good."""

    def drop_idle(self) -> bool:
        """Drop, beyond what is kept for good, the buffers that nobody has read since the last call.
        Whether there are still more."""
        idle = [b for b in self.blocks if b.loaded and not b.recent and self._evictable(b)]
        for block in sorted(idle, key=lambda b: b.used_at or 0):
            if self._cached <= self.files.config.kept_bytes:
                return False
            self._drop(block)
        for block in self.blocks:
            block.recent = False
        return self._cached > self.files.config.kept_bytes

    def _drop(self, block: Block) -> None:
        self._cached -= block.buffered
        block.unload()

    def _evictable(self, block: Block) -> bool:
        return block is not self.tail and block.written == block.buffered and block.rewriting == 0
