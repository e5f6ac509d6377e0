"""Streams on disk, the writing half: appends, blocks that are full, commits.

Appends go to the last block's buffer; `flush` hands it to the system in one write; `commit` waits
for an fsync that covers it (group commit), or in relaxed mode (`sync_interval_s` > 0) only for the
write. Everything else that touches the disk (deleting blocks, compressing, compaction, the index)
is a task of the `Committer`: it runs in a thread, after the sync that makes it safe.

**State follows the disk.** What the disk does not take has not happened: a write that finds it full
takes back all that was appended since the last one, and what had been removed for its sake; a sync
that fails hides what may not be durable. What somebody wants to be removed is written before it is
(`removal/`), files are replaced before anybody relies on it (`rewriting`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random as chance
from functools import partial
from typing import NamedTuple

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import CommitCallback
from pynats_server.jetstream.store.errors import StoreError, StoreFailed, StoreFull
from pynats_server.jetstream.store.file.disk import FULL
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.keeping import KeptBlocks
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer
from pynats_server.jetstream.store.inventory.names import BLOCK_MAX
from pynats_server.jetstream.store.seqset import SequenceSet

IDLE_S = 5.0  # buffers that are read less often than that are not kept beyond `kept_bytes`
AGAIN_S = 1.0  # until removals that found no room are written again


class _Written(NamedTuple):
    """Where the log was at some time: its last message, the block and how much of it."""

    last_seq: int
    last_ts: int
    block: Block | None
    size: int
    floor: int


class WrittenBlocks(KeptBlocks):
    """Blocks on disk of which the last takes appends."""

    def __init__(self, files: StreamFolder, syncer: Syncer) -> None:
        super().__init__(files, syncer)
        self.top_index = 0
        self._written = self._durable = _Written(0, 0, None, 0, 0)
        self._owes = False  # removals by rules are not written yet
        self.committer.mark = lambda: self._written
        self.committer.on_durable = self._now_durable
        self._hidden = False  # what was not durable when the store failed
        self._intents: list[bytes] = []  # notes of the purges under way
        self._sparse: list[Block] = []
        self._scheduled = False
        self._cache_timer: asyncio.TimerHandle | None = None
        self._again_timer: asyncio.TimerHandle | None = None
        self._sync_timer: asyncio.TimerHandle | None = None

    def _bury_dead(self) -> list[Block]:
        """The blocks without live messages, after moving tombstones that are still needed."""
        raise NotImplementedError

    def _release(self, dead: list[Block]) -> None:
        """Delete the files of emptied blocks once what made them dead is durable."""
        raise NotImplementedError

    def _seal(self, block: Block) -> None:
        """A block is full."""
        raise NotImplementedError

    def _compact_sparse(self) -> None:
        """Look after blocks of which little is left."""
        raise NotImplementedError

    def roll_block(self) -> Block:
        """Finish the last block and start the next."""
        self.guard()
        finished = self.tail
        if finished is not None:
            self.flush()
        index = self.top_index + 1
        if index > BLOCK_MAX:
            raise StoreFull(f"stream {self.config.name} has no number left for a block")
        block = Block(index, self.last_seq + 1, self.config.name)
        if self.config.keys is not None:
            self._make_key(block)
        block.file = self.attempt(lambda: self.disk.open(self.files.path_of(block)))
        self.committer.created(self.files.messages)
        self.top_index = index
        self.blocks.append(block)
        self.tail = block
        self._remember()
        if self.places.unsaved:
            self._note_places()
        for note in self._notes():  # an index that is saved now would not know them
            block.mark_floor(0, self.last_ts, note)
        if finished is not None:
            if self.purges:
                block.mark_floor(finished.floor, self.last_ts)
            if not finished.msgs:
                self.dead = True
            self._seal(finished)
        return block

    def _make_key(self, block: Block) -> None:
        """Write a new block's key file; no commit of the block completes before it is durable."""
        keys = self.config.keys
        assert keys is not None
        sealed, seed = keys.create(self.files.context(block.index), self.files.random)
        path = self.files.key_path(block.index)
        handle = self.attempt(lambda: self.disk.open(path))
        try:
            self.attempt(lambda: self.disk.write(handle, sealed, 0))
        except StoreError:
            self.disk.close(handle)
            with contextlib.suppress(OSError):
                self.disk.remove(path)
            raise
        self.committer.written(handle)
        self.committer.close_later(handle)
        block.cipher = keys.block_cipher(sealed, seed)

    def on_much_cached(self) -> None:
        """Look again after a while what has been read."""
        loop = self.syncer.loop
        if self._cache_timer is None and loop is not None:
            self._cache_timer = loop.call_later(IDLE_S, self._on_cache_timer)

    def _on_cache_timer(self) -> None:
        self._cache_timer = None
        if not self._closed and self.drop_idle():
            self.on_much_cached()

    def on_dirty(self) -> None:
        """Write once per loop turn, whatever arrives in it."""
        loop = self.syncer.loop
        if loop is None:
            return
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._turn)
        if self._index_timer is None and self.config.index_interval_s > 0:
            wait_s = self.saved_index.wait_s() * (1 + chance.random() / 4)
            self._index_timer = loop.call_later(wait_s, self._on_index_timer)

    def _turn(self) -> None:
        self._scheduled = False
        due = self.dirty or self.dead or self.floor_due  # else a commit has written all of it
        if due and not self._closed and self.failed is None:
            with contextlib.suppress(StoreError):
                self.flush()

    def _remember(self) -> None:
        tail = self.tail
        size, floor = (tail.buffered, tail.floor) if tail is not None else (0, 0)
        self._written = _Written(self.last_seq, self.last_ts, tail, size, floor)
        self.written_seq = self.last_seq

    def flush(self) -> None:
        """Write the tail's new bytes; on a full disk undo what was appended since the last."""
        self.dirty = False
        block = self.tail
        if block is None:
            return
        places = self.places
        if places.unsaved and (places.untold or self._removed or self.evicted()):
            self._note_places(self.is_live)  # in front of what says that the copies are gone
        dead = self._bury_dead() if self.dead else []
        floor = self.losses.floor(self.first_seq - 1, self.passed) if self.floor_due else 0
        if floor:
            block.mark_floor(floor, self.last_ts)
        if block.written != block.buffered:
            self._check()
            try:
                self._write(block)
            except StoreFull:
                self.dead = True  # so that they are found again when there is room
                raise
        self.floor_due = False
        self.losses.passed(block.floor)
        self.forget_evicted()
        self._removed = self._owes = False
        self._remember()
        if places.has_notes:
            self._keep_notes(bool(dead or self._sparse))
        if dead:
            self._release(dead)
        if self.losses.unsaved:
            self._save_losses()
        if self._sparse:
            self._compact_sparse()
        if self.committer.has_tasks:
            self.committer.start()

    def _write(self, block: Block) -> None:
        data = block.unwritten()
        if block.cipher is not None:
            data = block.cipher.apply(data, block.written)
        try:
            self.disk.write(block.file, data, block.written)
        except OSError as error:
            if error.errno not in FULL:
                self.fail(error)
                raise StoreFailed(str(error)) from error
            self._undo(block)
            raise self.full() from error
        if not block.written:
            self.ledger.begun(block)
        block.written = block.buffered
        self.committer.written(block.file)

    def _undo(self, block: Block) -> None:
        """Forget the appends since the last write and bring back what was displaced for them.
        Tombstones of what is gone all the same are written when there is room."""
        kept = self._written
        self._undid = self.last_seq != kept.last_seq or self.evicted() > 0
        try:
            self.disk.truncate(block.file, kept.size)
        except OSError as error:
            self.fail(error)
            raise StoreFailed(str(error)) from error
        self.restore_evicted()
        marks = block.tombstones(kept.size)
        if self._undid:
            self._take_back(kept.last_seq, kept.last_ts)
        block.cut(kept.size)
        self.committer.written(block.file)  # a power cut must not bring it back
        block.floor = kept.floor
        for seq, ts in marks:
            if seq <= self.last_seq and not self.is_live(seq):
                block.mark(seq, ts, True)
        if block.written != block.buffered:
            self._write_later()

    def _take_back(self, last_seq: int, last_ts: int) -> None:
        """Take the messages above a sequence out of the index: they have not happened."""
        while (last := self.previous_of(b">", last_seq + 1, self.last_seq)) is not None:
            self.unlink(last.seq)
        for block in reversed(self.blocks):
            if block.last_seq <= last_seq:
                break
            block.last_seq, block.last_ts = last_seq, last_ts
            if block.deleted:
                block.deleted = only_up_to(block.deleted, last_seq)
            if not block.msgs:
                block.first_seq = block.last_seq + 1
        self.last_seq, self.last_ts = last_seq, last_ts
        self.places.undone(last_seq)
        self.forget_above(last_seq)
        self.find_first()
        self.passed = min(self.passed, self.first_seq - 1)
        self.tell_swept()
        if self.on_undo is not None:
            self.on_undo(last_seq)

    def _write_later(self) -> None:
        loop = self.syncer.loop
        if loop is not None and self._again_timer is None:
            self._again_timer = loop.call_later(AGAIN_S, self._on_again_timer)

    def _notes(self) -> list[bytes]:
        """Of the purges that have not ended."""
        return self._intents

    def _on_again_timer(self) -> None:
        self._again_timer = None
        if not self._closed:
            self.touch()
            self._go_on()

    def _go_on(self) -> None:
        """Do what had to wait for a file that could not be read."""

    def commit(self, callback: CommitCallback) -> None:
        """See `Store.commit`."""
        self._commit(callback, told=False)

    def commit_kept(self, callback: CommitCallback) -> None:
        """See `Store.commit_kept`."""
        self._commit(callback, told=True)

    def _commit(self, callback: CommitCallback, told: bool) -> None:
        """`told`: by `on_undo`, what was not kept."""
        self._undid = False
        try:
            self.guard()
            self.flush()
        except StoreFull as error:
            if not told and (self._owes or self._undid):
                callback(error)
                return
        except StoreError as error:
            self._hide_lost()
            callback(error)
            return
        self.when_durable(callback)

    def when_durable(self, callback: CommitCallback) -> None:
        """See `Store.when_durable`. In relaxed mode the write is enough and fsync follows on a
        timer."""
        if self.config.sync_interval_s > 0 and self.failed is None:
            loop = self.syncer.loop
            if loop is not None and self._sync_timer is None:
                self._sync_timer = loop.call_later(self.config.sync_interval_s, self._on_sync_timer)
            self._durable = self._written
            callback(None)
            return
        self.committer.wait(partial(self._committed, callback))

    def _now_durable(self, written: _Written) -> None:
        self._durable = written

    def _committed(self, callback: CommitCallback, error: OSError | None) -> None:
        failure = error or self.failed
        if failure is None:
            callback(None)
        else:
            self._hide_lost()
            callback(StoreFailed(str(failure)))

    def _hide_lost(self) -> None:
        """When the store has failed: show nothing that may not be durable, and keep it from coming
        back after a restart if the disk still lets us."""
        if self.failed is None or self._hidden or self._closed:
            return
        self._hidden = True
        kept = self._durable
        if self.last_seq <= kept.last_seq:
            return
        tail = self.tail
        with contextlib.suppress(StoreError):
            self._take_back(kept.last_seq, kept.last_ts)
        if tail is not None and tail is kept.block and tail.file is not None:
            with contextlib.suppress(OSError):
                self.disk.truncate(tail.file, kept.size)

    def _on_sync_timer(self) -> None:
        self._sync_timer = None
        self.committer.start()

    def _drain(self) -> None:
        """Everything written so far is durable and every task done when this returns."""
        self.attempt(self.committer.drain)


def only_up_to(deleted: SequenceSet, last: int) -> SequenceSet:
    kept = SequenceSet()
    for seq in deleted:
        if seq <= last:
            kept.add(seq)
    return kept
