"""Streams on disk: files of blocks that get another content.

A finished block is compressed; one with little left is written anew without its deleted records;
erased bytes are overwritten. Until the new file is in its place the block is what it was, and what
finds no room leaves it so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.errors import CorruptRecord, StoreError, StoreFull, Unavailable
from pynats_server.jetstream.store.file.disk import FULL, InDoubt, Room
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer, Task
from pynats_server.jetstream.store.file.writing import WrittenBlocks
from pynats_server.jetstream.store.format.blockfile import pack_block
from pynats_server.jetstream.store.removal.removing import EMPTY_SIZE
from pynats_server.work import Work

PATIENCE_S = 5.0  # until blocks are compacted again on a disk that had no room for it
ROOM_SPARE = 4096  # bytes: content that cannot be compressed gets longer


class RewrittenBlocks(WrittenBlocks):
    """Blocks on disk whose files are replaced or overwritten."""

    def __init__(self, files: StreamFolder, syncer: Syncer) -> None:
        super().__init__(files, syncer)
        self._compacting = False
        self._patient_until_s = 0.0
        self._rooms = 0  # that were ever made
        self._finished: Block | None = None  # the last block that was full
        self._finished_at: object = None  # its mark of use then

    def _seal(self, block: Block) -> None:
        self._cached += block.buffered
        if self.config.compress and block.buffered > 8:
            self._rewrite(block, block.content())
        elif block.file is not None:
            self.committer.close_later(block.file)
            block.file = None
            self.ledger.finished(block)
        self.keep_in_cache(block)
        self._forget_finished()
        self._finished, self._finished_at = block, block.used_at

    def _forget_finished(self) -> None:
        """Drop the buffer of the block finished before, unless it was read in the
        meantime: a reader that keeps up finds the last one in memory, a writer needs no more."""
        block = self._finished
        if (
            block is not None
            and block.loaded
            and block.used_at == self._finished_at
            and self._evictable(block)
            and block in self.blocks
        ):
            self._drop(block)

    def _rewrite(
        self,
        block: Block,
        plain: bytes,
        compacted: bool = False,
        room: Room | None = None,
        must: bool = False,
    ) -> None:
        """Replace a finished block's file, later and atomically. With `must` it is tried until
        there is room, else the file keeps its longer, equally valid form."""
        handle, block.file = block.file, None
        if handle is not None:
            self.committer.close_later(handle)
        path, cipher, compress = self.files.path_of(block), block.cipher, self.config.compress
        kept = max(0, len(plain) - block.nbytes)
        block.rewriting += 1

        def work() -> None:
            self.disk.replace(path, pack_block(plain, compress, cipher), room)

        def done(error: OSError | None) -> None:
            block.rewriting -= 1
            if error is None:
                block.sealed = compress
                if compacted:
                    block.kept = kept
                    self._moved(block)
            elif error.errno in FULL and not isinstance(error, InDoubt):
                self._patient_until_s = time.monotonic() + PATIENCE_S
            else:
                self.fail(error)

        noted = self.ledger.rewriting(block, work, drops=compacted)
        self.committer.after(Task(noted, done, must, again=must))

    def _moved(self, block: Block) -> None:
        """The records are at other places in the file than in the buffer."""
        if block.loaded and block in self.blocks:
            self._drop(block)
        self.not_as_read(block)

    def on_sparse(self, block: Block) -> None:
        """Rewrite it when the next flush has made its tombstones safe."""
        if block not in self._sparse and not block.rewriting:
            self._sparse.append(block)

    def compact_block(self, block: Block) -> None:
        """Rewrite a finished block without its deleted records; damaged ones stay as they are."""
        if block is self.tail or not block.msgs or block.rewriting:
            return
        try:
            if not block.loaded:
                self.load_block(block)
        except Unavailable:
            return
        if self.losses.doubts(block.index):  # it may get back what it lacks
            return
        with contextlib.suppress(CorruptRecord):
            plain = block.compacted(self.blocks[0].base, block.first_seq)
            self.retire_index()
            self._rewrite(block, plain, compacted=True)

    def _compact_sparse(self) -> None:
        """Compact what has become sparse, now that the removals are written."""
        if not self._sparse or time.monotonic() < self._patient_until_s:
            self._sparse.clear()
        elif self.background is None:
            while self._sparse:
                self.compact_block(self._sparse.pop())
        elif not self._compacting:
            self._compacting = True
            self.background(self._compact())

    def _compact(self) -> Work[None]:
        """Rewrites sparse blocks, one in a step."""
        try:
            while self._sparse and not self._closed and self.failed is None:
                block = self._sparse[0]
                if block.msgs and not block.loaded and block in self.blocks:
                    yield from self.loading(block)
                self.flush()  # its tombstones, and notes that it may have
                if block in self._sparse:
                    self._sparse.remove(block)
                    if block in self.blocks:
                        self.compact_block(block)
                        self.committer.start()
                yield
        except StoreError:
            return  # of the disk; the next flush begins again
        finally:
            self._compacting = False

    # Erasing.

    def erase(self, seq: int) -> bool:
        """Delete one message and overwrite its bytes on disk with random ones. Raises StoreFull
        before anything has changed."""
        self.guard()
        self.flush()
        if not self.is_live(seq):
            return False
        if self.places.told_by(seq):
            self._removing()
        ts = self.load(seq).ts
        assert self.tail is not None
        self._make_place(EMPTY_SIZE)
        block = self.blocks[self.block_at(seq)]
        if not block.loaded:
            self.load_block(block)
        whole = block.sealed or block.rewriting > 0
        room = self._make_room(block) if whole else None
        block.rewriting += 1  # its buffer and its file stay what they are
        try:
            self.tail.mark(seq, ts, True)
            self.flush()
        except StoreError:
            if room is not None:
                self.disk.give_up(room)
            raise
        finally:
            block.rewriting -= 1
        self._erase_written(block, seq, room)
        self._after_removal(seq)
        return True

    def _make_place(self, size: int) -> None:
        """Begin a block where the last has no place for `size` bytes more; rather a block too long
        than a removal that fails."""
        if self.tail is None or self.tail.buffered + size > self.block_size:
            with contextlib.suppress(StoreFull):
                self.roll_block()

    def _make_room(self, block: Block) -> Room:
        """So that the block's file can be replaced for sure."""
        self._rooms += 1
        path = self.files.path_of(block)
        place = path.with_name(f"{path.name}.{self._rooms}.tmp")
        room: Room = self.attempt(lambda: self.disk.make_room(place, block.buffered + ROOM_SPARE))
        return room

    def _erase_written(self, block: Block, seq: int, room: Room | None) -> None:
        span = block.record_span(seq)
        assert span is not None
        offset, size = span
        self.unlink(seq)
        self.listing = None  # as below: it may be for an index that ends at this record
        if block.piece(offset + size - 8, 8) == self.saved_index.tail_sum:
            self.retire_index()  # it could no longer find the record it ends at
        block.scrub(seq, self.files.random(size))
        if room is not None:
            self._rewrite(block, block.content(), room=room, must=True)
        else:
            self._overwrite(block, offset, size)

    def _overwrite(self, block: Block, offset: int, size: int) -> None:
        """Overwrite the record in the file, in place, once its tombstone is durable."""
        data = block.piece(offset, size)
        if block.cipher is not None:
            data = block.cipher.apply(data, offset)
        work: Callable[[], None] = partial(self.files.overwrite, block, data, offset)
        if block is not self.tail:
            work = self.ledger.rewriting(block, work, drops=False)
        self.committer.after(Task(work, must=True))
