"""Streams on disk, the writing half: appends, blocks that are full, commits.

Appends go to the last block's buffer; `flush` hands it to the system in one write; `commit` waits
for an fsync that covers it (group commit), or in relaxed mode (`sync_interval_s` > 0) only for the
write. Everything else that touches the disk (deleting blocks, compressing, compaction, the index)
is a task of the `Committer`: it runs in a thread, after the sync that makes it safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import random as chance
from collections.abc import Callable
from functools import partial
from typing import Any

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import CommitCallback
from pynats_server.jetstream.store.errors import (
    CorruptRecord,
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreFull,
    StoreHeld,
)
from pynats_server.jetstream.store.file.disk import FULL
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.group_commit import Committer, Syncer, Task
from pynats_server.jetstream.store.file.saved_index import SavedIndex
from pynats_server.jetstream.store.format.blockfile import pack_block
from pynats_server.jetstream.store.format.names import BLOCK_MAX
from pynats_server.jetstream.store.format.sources_db import encode_note, encode_sources
from pynats_server.jetstream.store.inventory.ledger import Ledger
from pynats_server.jetstream.store.places import SourcePlaces
from pynats_server.jetstream.store.search.listing import SubjectListing
from pynats_server.jetstream.store.seqset import SequenceSet
from pynats_server.work import Work

PLACES_WAIT_S = 1.0  # how long sources.db lacks what the log says of sources whose copies are gone
IDLE_S = 5.0  # buffers that are read less often than that are not kept beyond `kept_bytes`
NOTE_MAX = 4096  # bytes: longer ones are not repeated for so long


class WrittenBlocks(DiskBlocks):
    """Blocks on disk of which the last takes appends."""

    def __init__(self, files: StreamFolder, syncer: Syncer) -> None:
        super().__init__(files)
        self.config = files.config
        self.places = SourcePlaces()
        self.disk = files.disk
        self.syncer = syncer
        self.committer = Committer(syncer, self.disk, self.fail)
        self.saved_index = SavedIndex(files, self.committer, self.fail)
        self.ledger = Ledger(files.config.folder, files.hash_key, self.disk, self.committer)
        self.top_index = 0
        self.baring = False  # messages of a block go without tombstones, and some are still there
        self._removed = False  # something has been removed since the last flush, not by limits
        self._places_due = False
        self._places_timer: asyncio.TimerHandle | None = None
        self._cache_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._saving_losses = False
        self._flushed = (0, 0, 0)
        self._finished: Block | None = None  # the last block that was full
        self._finished_at: object = None  # its mark of use then
        self._sparse: list[Block] = []
        self._compacting = False
        self._scheduled = False
        self._sync_timer: asyncio.TimerHandle | None = None
        self._index_timer: asyncio.TimerHandle | None = None

    def _bury_dead(self) -> list[Block]:
        """The blocks without live messages, after moving tombstones that are still needed."""
        raise NotImplementedError

    def _release(self, dead: list[Block]) -> None:
        """Delete the files of emptied blocks once what made them dead is durable."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """Refuse every change from now on."""
        if self.failed is None:
            self.failed = error
            ended = (
                "" if isinstance(error, StoreHeld) else "storage failed and takes no more changes: "
            )
            self.files.problem(f"{ended}{error}")

    def guard(self) -> None:
        """Raise unless the store is open and sound."""
        if self._closed:
            raise StoreClosed("the store is closed")
        self._check()

    def attempt(self, work: Callable[[], Any]) -> Any:
        """Do disk work at once: a full disk raises StoreFull, other failures are final."""
        try:
            return work()
        except OSError as error:
            if error.errno in FULL:
                raise StoreFull(f"no space for stream {self.config.name}") from error
            self.fail(error)
            raise StoreFailed(str(error)) from error

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
        if finished is not None:
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
            self.disk.remove(path)
            raise
        self.committer.written(handle)
        self.committer.close_later(handle)
        block.cipher = keys.block_cipher(sealed, seed)

    def _seal(self, block: Block) -> None:
        self._cached += block.buffered
        if self.config.compress and block.buffered > 8:
            self._rewrite(block)
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

    def on_much_cached(self) -> None:
        """Look again after a while what has been read."""
        loop = self.syncer.loop
        if self._cache_timer is None and loop is not None:
            self._cache_timer = loop.call_later(IDLE_S, self._on_cache_timer)

    def _on_cache_timer(self) -> None:
        self._cache_timer = None
        if not self._closed and self.drop_idle():
            self.on_much_cached()

    def _rewrite(self, block: Block, drops: bool = False) -> None:
        """Replace a finished block's file by what its buffer holds, later and atomically; `drops`:
        which is less."""
        handle, block.file = block.file, None
        if handle is not None:
            self.committer.close_later(handle)
        plain = block.content()
        path, cipher, compress = self.files.path_of(block), block.cipher, self.config.compress
        block.rewriting += 1
        block.sealed = compress

        def work() -> None:
            self.disk.replace(path, pack_block(plain, compress, cipher))

        def done(error: OSError | None) -> None:
            block.rewriting -= 1
            if error is None:
                return
            if error.errno not in FULL:
                self.fail(error)
            elif not block.rewriting:
                # The file keeps its longer, equally valid form.
                block.sealed = False

        self.committer.after(Task(self.ledger.rewriting(block, work, drops), done))

    def on_sparse(self, block: Block) -> None:
        """Rewrite it when the next flush has made its tombstones safe."""
        if block not in self._sparse:
            self._sparse.append(block)

    def compact_block(self, block: Block) -> None:
        """Rewrite a finished block without its deleted records; damaged ones stay as they are."""
        if block is self.tail or not block.msgs or self.losses.doubts(block.index):
            return
        if not block.loaded:
            self.load_block(block)
        if self.losses.doubts(block.index):  # it stays as it is
            return
        with contextlib.suppress(CorruptRecord):
            plain = block.compacted(self.first_seq, block.first_seq)
            self.retire_index()
            self._cached -= block.buffered
            block.scan(plain)
            block.kept = max(0, block.buffered - block.nbytes)
            self._cached += block.buffered
            self._rewrite(block, drops=True)

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
        self._flushed = (self.last_seq, self.last_ts, self.tail.buffered if self.tail else 0)

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
        self.losses.passed(floor)
        self.forget_evicted()
        places.flushed()
        self._removed = False
        self._remember()
        if places.has_notes:
            self._keep_notes(bool(dead or self._sparse))
        if dead:
            self._release(dead)
        if self.losses.unsaved:
            self._save_losses()
        if self.background is None:
            while self._sparse:
                self.compact_block(self._sparse.pop())
        elif self._sparse and not self._compacting:
            self._compacting = True
            self.background(self._compact())
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
            raise StoreFull(f"no space for stream {self.config.name}") from error
        if not block.written:
            self.ledger.begun(block)
        block.written = block.buffered
        self.committer.written(block.file)

    def _undo(self, block: Block) -> None:
        """Forget the appends since the last flush and bring back what limits took out for them;
        explicit removals stay noted for the next try."""
        last_seq, last_ts, size = self._flushed
        try:
            self.disk.truncate(block.file, size)
        except OSError as error:
            self.fail(error)
            raise StoreFailed(str(error)) from error
        self.restore_evicted()
        for seq in range(self.last_seq, last_seq, -1):
            if block.record_length(seq):
                self.unlink(seq)
        marks = block.tombstones(size)
        block.cut(size)
        block.last_seq, block.last_ts = last_seq, last_ts
        if block.deleted:
            block.deleted = only_up_to(block.deleted, last_seq)
        self.last_seq, self.last_ts = last_seq, last_ts
        self.places.undone(last_seq)
        self.forget_above(last_seq)
        if not block.msgs:
            block.first_seq = last_seq + 1
        self.find_first()
        self.passed = min(self.passed, self.first_seq - 1)
        for seq, ts in marks:
            if seq <= last_seq and not self.is_live(seq):
                block.mark(seq, ts, True)
        self.tell_swept()
        if self.on_undo is not None:
            self.on_undo(last_seq)

    # How far the sources have come.

    def _note_places(self, is_live: Callable[[int], bool] | None = None) -> None:
        """Append what sources.db lacks, or only what is told by copies that are not `is_live`. A
        power cut may keep any of the writes since the last sync: so the same write has the note
        and, behind it, the removal; and every new block begins with one."""
        note = self.places.note(self.last_seq + 1, is_live)
        if note.places and self.tail is not None:
            data = encode_note(note)
            # A floor that is there already, or none: the note alone counts.
            self.tail.mark_floor(self.tail.floor, self.last_ts, data)
            self._places_due = self._places_due or len(data) > NOTE_MAX
            self.touch()

    def _before_removal(self) -> None:
        """Copies may be removed that alone tell how far their sources have come."""
        self._check()
        if self.places.unsaved:
            self._note_places()
            self._places_due = True

    def _keep_notes(self, leaving: bool) -> None:
        """Have sources.db say what the notes of the log say: at once where a block that may have
        some is `leaving`, or after a removal that somebody asked for, else before long."""
        loop = self.syncer.loop
        if leaving or self._places_due or loop is None:
            self._save_places(must=self._places_due)
        elif self._places_timer is None:
            self._places_timer = loop.call_later(PLACES_WAIT_S, self._on_places_timer)

    def _on_places_timer(self) -> None:
        self._places_timer = None
        if not self._closed and self.failed is None and self.places.has_notes:
            with contextlib.suppress(StoreError):
                self._places_due = True
                self.flush()
                self.committer.start()

    def _save_places(self, must: bool = False) -> None:
        """Save sources.db after the next sync; everything in it must have been written: what it
        says has been copied must not be lost."""
        self._places_due = False
        saved = self.places.begin_save()
        data = encode_sources(self.places.known, self.last_seq + 1, self.files.hash_key)

        def done(error: OSError | None) -> None:
            if error is None:
                saved()
            elif error.errno not in FULL:
                self.fail(error)

        self.committer.after(Task(partial(self.files.write_sources, data), done, must))

    def commit(self, callback: CommitCallback) -> None:
        """See `Store.commit`. In relaxed mode the write is enough and fsync follows on a timer."""
        try:
            self.guard()
            self.flush()
        except StoreError as error:
            callback(error)
            return
        if self.config.sync_interval_s > 0:
            loop = self.syncer.loop
            if loop is not None and self._sync_timer is None:
                self._sync_timer = loop.call_later(self.config.sync_interval_s, self._on_sync_timer)
            callback(None)
            return
        self.committer.wait(partial(self._committed, callback))

    def _committed(self, callback: CommitCallback, error: OSError | None) -> None:
        failure = error or self.failed
        callback(StoreFailed(str(failure)) if failure is not None else None)

    def _on_sync_timer(self) -> None:
        self._sync_timer = None
        self.committer.start()

    def _drain(self) -> None:
        """Everything written so far is durable and every task done when this returns."""
        self.attempt(self.committer.drain)

    def retire_index(self) -> None:
        """Records are about to leave the disk for good: the old index must no longer count them.
        It is kept while it alone knows what is lost."""
        if not self.losses.unsaved:
            self.saved_index.retire()

    def on_loss(self) -> None:
        """Write losses down, and let no index say how many messages a subject has."""
        self.touch()

    def _save_losses(self) -> None:
        """Save lost.db after the next sync."""
        if self._saving_losses:
            return
        self._saving_losses = True
        done = self.losses.begin_save()

        def saved(error: OSError | None) -> None:
            self._saving_losses = False
            done(error is None)
            if error is not None and error.errno not in FULL:
                self.fail(error)

        work = partial(self.files.write_losses, self.losses.encoded())
        self.committer.after(Task(work, saved))

    def _on_index_timer(self) -> None:
        self._index_timer = None
        if not self._closed and self.failed is None:
            with contextlib.suppress(StoreError):
                self.save_index()

    @property
    def indexable(self) -> bool:
        """Whether an index may be saved: not while the one on disk alone knows what is lost, nor
        with subjects that count messages which are not there."""
        return not (self.miscounted or self.losses.unsaved)

    def save_index(self) -> None:
        """Save the state in the background, once the data it speaks of is durable."""
        self.flush()
        if not self.places.is_saved:
            self._save_places()  # before the index: then only notes behind it count
        if self.baring:
            return  # only an index would know what has gone, until all of it has
        if not self.indexable:
            return
        if self.background is None:
            self.listing = None
            self.saved_index.save(self.index_state)
            self.committer.start()
        elif self.listing is None:
            self.background(self._saving())

    def _saving(self) -> Work[None]:
        if self._closed or self.failed is not None or self.listing is not None or self.baring:
            return
        self.flush()
        listing = self.listing = SubjectListing(self.tree, self.blocks)
        try:
            for _ in self.saved_index.saving(self.index_state_with(b""), listing):
                yield
                if self.listing is not listing or not self.indexable:
                    return  # the state is not what it was; a change, so there will be another time
        finally:
            if self.listing is listing:
                self.listing = None
        self.committer.start()


def only_up_to(deleted: SequenceSet, last: int) -> SequenceSet:
    kept = SequenceSet()
    for seq in deleted:
        if seq <= last:
            kept.add(seq)
    return kept
