"""Streams on disk, in nats-server's folder layout: writing, removing, saving the index.

Appends go to the last block's buffer; `flush` hands it to the system in one write; `commit` waits
for an fsync that covers it (group commit), or in relaxed mode (`sync_interval` > 0) only for the
write. Everything else that touches the disk (deleting blocks, compressing, compaction, the index)
is a task of the `Committer`: it runs in a thread, after the sync that makes it safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random as chance
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import (
    BadKey,
    CommitCallback,
    CorruptRecord,
    StoreError,
    StoreFailed,
    StoreFull,
)
from pynats_server.jetstream.store.file.blockfile import pack_block
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.diskblocks import (
    FULL,
    DiskBlocks,
    FileConfig,
    choose_block_size,
)
from pynats_server.jetstream.store.file.group_commit import Syncer, Task
from pynats_server.jetstream.store.file.recover import recover
from pynats_server.jetstream.store.file.rekey import convert
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.format.index_db import BlockEntry, FullState, encode_index
from pynats_server.jetstream.store.seqset import SequenceSet

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Sealer

TOMBSTONE_SIZE = 30
BIG_PURGE = 10_000
INDEX_SHARE = 200  # the index is saved so seldom that encoding it takes at most 1/200 of the time


class FileStore(DiskBlocks):
    """A `Store` on disk. Opening recovers; a damaged folder opens with `lost` filled."""

    def __init__(
        self,
        config: FileConfig,
        syncer: Syncer | None = None,
        disk: Disk | None = None,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], int] = time.time_ns,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(config, syncer, disk, random, clock, on_problem)
        # Told the last sequence kept when a full disk takes appends back that had a sequence.
        self.on_undo: Callable[[int], None] | None = None
        self._flushed = (0, 0, 0)
        self._finished: Block | None = None  # the last block that was full
        self._finished_at: object = None  # its mark of use then
        self._sparse: list[Block] = []
        self._bare: set[int] = set()
        self._scheduled = False
        self._sync_timer: asyncio.TimerHandle | None = None
        self._index_timer: asyncio.TimerHandle | None = None
        self._index_stands = True
        self._index_sum = b""
        self._index_cost = 0.0
        self.disk.make_folder(self.folder)
        convert(config, self.disk, random)
        self.open_stream_key()
        state = recover(self)
        self._index_sum = state.tail_sum if state is not None else b""
        if self.tail is None:
            self.roll_block()
        elif not self.tail.loaded:  # other blocks were looked at since
            self.load_block(self.tail)
        self._remember()

    # Writing.

    def roll_block(self) -> Block:
        """Finish the last block and start the next."""
        self.guard()
        finished = self.tail
        if finished is not None:
            self.flush()
        index = self.top_index + 1
        block = Block(index, self.last_seq + 1, self.config.name)
        if self.config.keys is not None:
            self._make_key(block)
        block.file = self.attempt(lambda: self.disk.open(self.path_of(block)))
        self.committer.created(self.folder)
        self.top_index = index
        self.blocks.append(block)
        self.tail = block
        self._remember()
        if finished is not None:
            if not finished.msgs:
                self.dead = True
            self._seal(finished)
        return block

    def _make_key(self, block: Block) -> None:
        """Write a new block's key file; no commit of the block completes before it is durable."""
        keys = self.config.keys
        assert keys is not None
        sealed, seed = keys.create(self.context(block.index), self.random)
        path = self.key_path(block.index)
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
        self.keep_in_cache(block)
        self._forget_finished()
        self._finished, self._finished_at = block, block.used_at

    def _forget_finished(self) -> None:
        """Drop the buffer of the block finished before, unless somebody has read it in since:
        who follows closely finds the last one in memory, and a mere writer needs no more."""
        block = self._finished
        if (
            block is not None
            and block.loaded
            and block.used_at == self._finished_at
            and self._evictable(block)
            and block in self.blocks
        ):
            self._cached -= block.buffered
            block.unload()

    def _rewrite(self, block: Block) -> None:
        """Replace a finished block's file by what its buffer holds, later and atomically."""
        handle, block.file = block.file, None
        if handle is not None:
            self.committer.close_later(handle)
        plain = block.content()
        path, cipher, compress = self.path_of(block), block.cipher, self.config.compress
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

        self.committer.after(Task(work, done))

    def on_dirty(self) -> None:
        """Write once per loop turn, whatever arrives in it."""
        loop = self.syncer.loop
        if loop is None:
            return
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._turn)
        if self._index_timer is None and self.config.index_interval > 0:
            wait = max(self.config.index_interval, self._index_cost * INDEX_SHARE)
            wait *= 1 + chance.random() / 4
            self._index_timer = loop.call_later(wait, self._on_index_timer)

    def _turn(self) -> None:
        self._scheduled = False
        if not self._closed and self.failed is None:
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
        dead = self._bury_dead() if self.dead else []
        if self.floor_due and self.first_seq > 1:
            block.mark_floor(self.first_seq - 1, self.last_ts)
        if block.written != block.buffered:
            self._check()
            try:
                self._write(block)
            except StoreFull:
                self.dead = True  # looked at again when there is room for what it takes
                raise
        self.floor_due = False
        self.forget_evicted()
        self._remember()
        if dead:
            self._release(dead)
        while self._sparse:
            self.compact_block(self._sparse.pop())
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
            block.deleted = _only_up_to(block.deleted, last_seq)
        self.last_seq, self.last_ts = last_seq, last_ts
        self.forget_above(last_seq)
        if not block.msgs:
            block.first_seq = last_seq + 1
        self.find_first()
        for seq, ts in marks:
            if seq <= last_seq and not self.is_live(seq):
                block.mark(seq, ts, True)
        if self.on_undo is not None:
            self.on_undo(last_seq)

    def commit(self, callback: CommitCallback) -> None:
        """See `Store.commit`. In relaxed mode the write is enough and fsync follows on a timer."""
        try:
            self.guard()
            self.flush()
        except StoreError as error:
            callback(error)
            return
        if self.config.sync_interval > 0:
            loop = self.syncer.loop
            if loop is not None and self._sync_timer is None:
                self._sync_timer = loop.call_later(self.config.sync_interval, self._on_sync_timer)
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

    # Removing.

    def _mark(self, seq: int, ts: int) -> None:
        if self.tail is None or self.tail.buffered + TOMBSTONE_SIZE > self.block_size:
            with contextlib.suppress(StoreFull):  # better a block too long than a failed delete
                self.roll_block()
        assert self.tail is not None
        self.tail.mark(seq, ts, True)
        self.touch()

    def _bury(self, seq: int, ts: int) -> None:
        self._mark(seq, ts)

    def on_sparse(self, block: Block) -> None:
        """Rewrite it when the next flush has made its tombstones safe."""
        if block not in self._sparse:
            self._sparse.append(block)

    def compact_block(self, block: Block) -> None:
        """Rewrite a finished block without its deleted records; damaged ones stay as they are."""
        if block is self.tail or not block.msgs:
            return
        if not block.loaded:
            self.load_block(block)
        with contextlib.suppress(CorruptRecord):
            plain = block.compacted(lambda seq: seq < block.first_seq and seq >= self.first_seq)
            self._retire_index()
            self._cached -= block.buffered
            block.scan(plain)
            block.kept = max(0, block.buffered - block.nbytes)
            self._cached += block.buffered
            self._rewrite(block)

    def _retire_index(self) -> None:
        """Records are about to leave the disk for good: the old index may no longer vouch for
        them. Kept while something is lost, when it is the only witness of that."""
        if self._index_stands and not self.lost:
            self._index_stands = False

            def work() -> None:
                self.disk.remove(self.folder / "index.db")
                self.disk.sync_folder(self.folder)

            self.committer.after(Task(work))

    def _bury_dead(self) -> list[Block]:
        """The blocks nothing lives in, after moving on what they still have to say.

        A block below the first live message says nothing any more: the floor written with this
        flush covers it. One further back may hold tombstones for older blocks; they move to the
        tail, unless they are most of it: then it stays until the front has passed it.
        """
        self.dead = False
        gone = []
        for block in self.blocks:
            if block.msgs or block is self.tail:
                continue
            if block.last_seq < self.first_seq:
                self.floor_due = True
                gone.append(block)
            elif not block.grave and self._carry_tombstones(block):
                self.floor_due = True  # the newest may be in there
                gone.append(block)
        if gone and self.tail is not None and not self.is_live(self.last_seq):
            self.tail.mark(self.last_seq, self.last_ts, True)  # it may be known from them alone
        return gone

    def _carry_tombstones(self, block: Block) -> bool:
        """Tombstones in a dying block that still cover records in living ones move on; False
        when the block has to stay instead."""
        if not block.loaded:
            self.load_block(block)
        needed = [(seq, ts) for seq, ts in block.tombstones() if self._covers(block, seq)]
        assert self.tail is not None
        if block.index not in self._bare and len(needed) * TOMBSTONE_SIZE * 2 > block.buffered:
            block.grave = True
            return False
        for seq, ts in needed:
            self.tail.mark(seq, ts, True)
        return True

    def _covers(self, block: Block, seq: int) -> bool:
        """Whether a record of a removed sequence may still lie in another block's file."""
        at = self.block_at(seq)
        return seq >= self.first_seq and at < len(self.blocks) and self.blocks[at] is not block

    def _release(self, dead: list[Block]) -> None:
        """Delete emptied blocks' files once what made them dead is durable.

        The floor in the tail speaks for those at the front, so the saved index may stay and an
        acknowledgement need not wait. A block further back that died without tombstones stays
        dead only by being deleted.
        """
        paths: list[Path] = []
        bare = False
        for block in dead:
            if block.last_seq >= self.first_seq:
                self._retire_index()
                bare = bare or block.index in self._bare
            self._bare.discard(block.index)
            self.blocks.remove(block)
            if block.loaded:
                self._cached -= block.buffered
            if block.file is not None:
                self.committer.forget(block.file)
                self.committer.close_later(block.file)
                block.file = None
            paths += [self.path_of(block), self.key_path(block.index)]
        self.committer.after(Task(partial(self._delete_files, paths), must=bare))

    def _delete_files(self, paths: list[Path]) -> None:
        for path in paths:
            self.disk.remove(path)
        self.disk.sync_folder(self.folder)

    def erase(self, seq: int) -> bool:
        """Delete one message and overwrite its bytes on disk with random ones."""
        self.guard()
        self.flush()
        if not self.is_live(seq):
            return False
        self.load(seq)
        block = self.blocks[self.block_at(seq)]
        span = block.record_span(seq)
        gone = self.unlink(seq)
        assert span is not None and gone is not None
        offset, size = span
        if block.piece(offset + size - 8, 8) == self._index_sum:
            self._retire_index()  # it could no longer find the record it ends at
        block.scrub(seq, self.random(size))
        block.rewriting += 1  # its buffer is needed below, even if the tombstone starts a block
        try:
            self._bury(seq, gone[1])
        finally:
            block.rewriting -= 1
        if block.sealed or block.rewriting:
            self._rewrite(block)
        else:
            self._overwrite(block, offset, size)
        self._after_removal(seq)
        return True

    def _overwrite(self, block: Block, offset: int, size: int) -> None:
        """Bring a scrubbed record to a file of plain records, in place, after its tombstone."""
        data = block.piece(offset, size)
        if block.cipher is not None:
            data = block.cipher.apply(data, offset)
        path = self.path_of(block)

        def work() -> None:
            handle = self.disk.open(path)
            try:
                self.disk.write(handle, data, offset)
                self.disk.sync(handle)
            finally:
                self.disk.close(handle)

        self.committer.after(Task(work, must=True))

    def purge_steps(self, filter: bytes = b">", up_to: int = 0, keep: int = 0) -> Iterator[int]:
        """As in `BlockStore`; the last step writes, and saves the index after a big purge."""
        total = 0
        for gone in super().purge_steps(filter, up_to, keep):
            total += gone
            yield gone
        self.flush()
        if total > BIG_PURGE:
            self.save_index()

    def _purge_one(self, block: Block, filter: bytes, stop: int) -> int:
        if block is not self.tail and not self.lost and self._dies(block, filter, stop):
            gone = self.unlink_all(block)
            self.find_first()
            self._bare.add(block.index)
            self.dead = True
            self.touch()
            return gone
        gone = super()._purge_one(block, filter, stop)
        if self.tail is not None and self.tail.buffered > self.block_size:
            with contextlib.suppress(StoreFull):
                self.roll_block()
        return gone

    def _dies(self, block: Block, filter: bytes, stop: int) -> bool:
        """Whether a purge takes every message of a block, which then needs no tombstones."""
        if not block.loaded:
            self.load_block(block)
        return block.last_seq <= stop and block.count_matches(filter, 0, stop) == block.msgs

    def truncate(self, seq: int) -> None:
        """Delete everything above `seq`; a new block then carries on from there. Blocks until
        it is durable: only recovery of a replicated log does this."""
        self.guard()
        self.flush()
        # Sequences will be used again: an index that knew the old ones must not vouch for them.
        self._retire_index()
        self._drain()
        self.forget_above(seq)
        while self.msgs and self.last_seq > seq:
            last = self.previous_of(b">", seq + 1, self.last_seq)
            if last is None:
                break
            self.unlink(last.seq)
        old, last_ts = self.tail, self.last_ts
        marks: list[tuple[int, int]] = []  # removals below, noted in blocks that go
        for block in reversed(list(self.blocks)):
            if block.first_seq > seq or not block.msgs:
                if not block.loaded:
                    self.load_block(block)
                marks += [mark for mark in block.tombstones() if mark[0] <= seq]
                if block is not old:
                    self._release([block])
            elif block.last_seq > seq:
                live = block.live()
                block.last_seq, last_ts = live[-1][0], live[-1][1]
                block.last_ts = last_ts
                block.deleted = _only_up_to(block.deleted, block.last_seq)
                block.scan(block.compacted(lambda gone: gone <= seq))
                block.written = block.buffered
                if block is not old:
                    self._rewrite(block)
        self.last_seq, self.last_ts = seq, last_ts
        self.find_first()
        self._restart(old, marks)

    def _restart(self, old: Block | None, marks: list[tuple[int, int]]) -> None:
        """Leave the old tail, rewritten or dead, for a new one that knows the last sequence and
        what was removed before it."""
        self.tail = None
        tail = self.roll_block()
        if old is not None and old.msgs:
            self._cached += old.buffered
            self._rewrite(old)
        for seq, ts in marks:
            if seq >= self.first_seq and not self.is_live(seq):
                tail.mark(seq, ts, True)
        if not self.is_live(self.last_seq):
            tail.mark(self.last_seq, self.last_ts, True)  # nothing else remembers it
        self.floor_due = True
        self.flush()
        if old is not None and not old.msgs and old in self.blocks:
            self._release([old])
        self._drain()

    # The index and the end.

    def index_state(self) -> FullState:
        """What index.db says of the store right now."""
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
            self.encode_subjects(),
            entries,
            self.tail.index,
            self.tail.last_sum(),
        )

    def _on_index_timer(self) -> None:
        self._index_timer = None
        if not self._closed and self.failed is None:
            with contextlib.suppress(StoreError):
                self.save_index()

    def save_index(self) -> None:
        """Save the state in the background, once the data it speaks of is durable."""
        self.flush()
        if self.lost:
            # The index on disk is the witness of what should be there; a new one would hide it.
            return
        started = time.perf_counter()
        body = encode_index(self.index_state())
        self._index_cost = time.perf_counter() - started
        assert self.tail is not None
        self._index_sum = self.tail.last_sum()
        self._index_stands = True
        self.committer.after(Task(partial(self._put_index, body), self._index_put))
        self.committer.start()

    def _put_index(self, body: bytes) -> None:
        sealer: Sealer | None = self.sealer
        if sealer is not None:
            body = sealer.seal(body, self.random(sealer.nonce_size))
        self.disk.replace(self.folder / "index.db", body + digest64(self.hash_key, body))
        # nats-server's queues of TTLs and schedules; it makes them anew from the messages.
        for name in ("thw.db", "sched.db"):
            self.disk.remove(self.folder / name)

    def _index_put(self, error: OSError | None) -> None:
        if error is not None and error.errno not in FULL:
            self.fail(error)

    def write_index(self) -> None:
        """Save the state now, so that the next start needs no scan."""
        self.save_index()
        self._drain()

    def _is_index_current(self) -> bool:
        """Whether the saved index says what a new one would: an idle store is closed without
        writing. Only asked when nothing is under way."""
        assert self.tail is not None
        if not self._index_stands or self._index_sum != self.tail.last_sum():
            return False
        try:
            data = self.disk.read(self.folder / "index.db")
            body = encode_index(self.index_state())
            if data[-8:] != digest64(self.hash_key, data[:-8]):
                return False
            sealer: Sealer | None = self.sealer
            return (sealer.open(data[:-8]) if sealer is not None else data[:-8]) == body
        except (OSError, ValueError, BadKey):
            return False

    def when_idle(self, done: Callable[[], None]) -> None:
        """Call `done` once no thread works for this store, which must take nothing more."""

        def look(_: OSError | None = None) -> None:
            if self.committer.busy:
                # Behind the sync that runs, and behind the file work that follows it.
                self.committer.wait(lambda _: self.syncer.run(lambda: None, look))
            else:
                done()

        look()

    def close(self, keep: bool = True) -> None:
        """Flush, sync, save the index, release every file. Safe to call twice. With `keep` off
        nothing is written and nothing blocks: the folder shall go, and no thread works for it."""
        if self._closed:
            return
        for timer in (self._sync_timer, self._index_timer):
            if timer is not None:
                timer.cancel()
        try:
            if self.failed is None and keep:
                self.flush()
                self._drain()
                if not self._is_index_current():
                    self.write_index()
        finally:
            self._closed = True
            if keep:
                self.syncer.settle()
            self.committer.abandon()
            for block in self.blocks:
                if block.file is not None:
                    self.disk.close(block.file)
                    block.file = None


def _only_up_to(deleted: SequenceSet, last: int) -> SequenceSet:
    kept = SequenceSet()
    for seq in deleted:
        if seq <= last:
            kept.add(seq)
    return kept


__all__ = ["FileConfig", "FileStore", "choose_block_size"]
