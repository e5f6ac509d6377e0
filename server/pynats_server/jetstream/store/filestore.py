"""Streams on disk, in nats-server's folder layout.

`msgs/<n>.blk` hold the records, `<n>.key` a block's sealed seed, `index.db` the state that saves
a scan at the next start. Appends go to the last block's buffer; `flush` hands it to the system in
one write; `commit` waits for an fsync that covers it (group commit), or in relaxed mode
(`sync_interval` > 0) only for the write. Nothing is deleted on doubt: bytes that cannot be read
are copied to `quarantine/` beside `msgs/` before anything is cut off, and what is missing is
named in `state().lost`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .api import (
    BadKey,
    CommitCallback,
    CorruptRecord,
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreFull,
)
from .base import BlockStore
from .blockfile import pack_block, unpack_block
from .commit import Syncer
from .crypt import Keys, Sealer
from .disk import Disk
from .engine import Block
from .highway import digest64
from .index import BlockEntry, FullState, decode_index, encode_index
from .recover import apply_index, rebuild
from .seqset import SequenceSet

MIB = 1024 * 1024
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
COMPACT_MINIMUM = 2 * MIB


def choose_block_size(
    max_bytes: int, limits_retention: bool, per_subject: bool, encrypted: bool
) -> int:
    """nats-server's rule for a stream's block size (spec 7.2)."""
    if max_bytes > 0:
        quarter = -(-(max_bytes // 4 + 1) // 100) * 100
        size = 32000 if quarter <= 32000 else 8 * MIB if quarter >= 8 * MIB else 4 * MIB
    elif per_subject:
        size = 4 * MIB
    else:
        size = 8 * MIB if limits_retention else 4 * MIB
    return min(size, 2 * MIB) if encrypted else size


@dataclass(frozen=True, slots=True)
class FileConfig:
    """How one stream is kept. `sync_interval` in seconds; 0 = every acknowledgement waits for
    an fsync. `cache_bytes` bounds the buffers of blocks that are only read."""

    name: str
    folder: Path
    block_size: int = 8 * MIB
    compress: bool = False
    keys: Keys | None = None
    sync_interval: float = 0.0
    cache_bytes: int = 64 * MIB
    first_seq: int = 1


class FileStore(BlockStore):
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
        self.config = config
        self.on_disk = True
        self.block_size = config.block_size
        self.disk = disk or Disk()
        self.syncer = syncer or Syncer()
        self.random = random
        self.clock = clock
        self.problems: list[str] = []
        self._on_problem = on_problem
        self.lost = SequenceSet()
        self.folder = config.folder / "msgs"
        self.hash_key = hashlib.sha256(config.name.encode()).digest()
        self._waiting: list[CommitCallback] = []
        self._syncing = False
        self._unsynced: list[Block] = []
        self._marks: list[tuple[int, int, bool]] = []
        self._floor = (0, 0, 0)
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._closed = False
        self._cached = 0
        self.top_index = 0
        self._index_stands = True
        self.sealer: Sealer | None = None
        self.disk.make_folder(self.folder)
        self._open_stream_key()
        self.first_seq, self.last_seq = config.first_seq, config.first_seq - 1
        self._recover()

    # Opening.

    def problem(self, text: str) -> None:
        """Report something an operator must know."""
        self.problems.append(text)
        if self._on_problem is not None:
            self._on_problem(text)

    def _open_stream_key(self) -> None:
        path = self.config.folder / "meta.key"
        keys = self.config.keys
        try:
            sealed = self.disk.read(path)
        except FileNotFoundError:
            if keys is None:
                return
            sealed, _ = keys.create(self.config.name, self.random)
            self.disk.replace(path, sealed)
        if keys is None:
            raise BadKey("encrypted store encountered with no main key")
        self.sealer = Sealer(keys.cipher, keys.recover(self.config.name, sealed))

    def _recover(self) -> None:
        state = self.read_index()
        if state is None or not apply_index(self, state):
            rebuild(self, state)
        if self.tail is None:
            self.roll_block()
        self._remember()

    def read_index(self) -> FullState | None:
        """The saved state, or None when there is none or it is damaged (said in `problems`)."""
        try:
            data = self.disk.read(self.folder / "index.db")
        except FileNotFoundError:
            return None
        try:
            if len(data) < 32 or digest64(self.hash_key, data[:-8]) != data[-8:]:
                raise ValueError("checksum does not match")
            body = data[:-8]
            if self.sealer is not None:
                with contextlib.suppress(BadKey):  # restored archives carry it in the clear
                    body = self.sealer.open(body)
            return decode_index(body)
        except ValueError as error:
            self.problem(f"index.db is unusable ({error}); rebuilding from the blocks")
            return None

    def make_block(self, index: int, first_seq: int) -> Block:
        """A block object with its cipher; raises BadKey when its key file does not open."""
        block = Block(index, first_seq, self.config.name)
        keys = self.config.keys
        if keys is not None:
            context = f"{self.config.name}:{index}"
            path = self.folder / f"{index}.key"
            try:
                sealed = self.disk.read(path)
                seed = keys.recover(context, sealed)
            except FileNotFoundError:
                if self.path_of(block).exists():
                    return block  # from before encryption was turned on
                sealed, seed = keys.create(context, self.random)
                self.disk.replace(path, sealed)
            block.cipher = keys.block_cipher(sealed, seed)
        return block

    def path_of(self, block: Block) -> Path:
        """The block's file."""
        return self.folder / f"{block.index}.blk"

    def read_block(self, block: Block) -> bytes:
        """The block's records from its file, outer layers removed."""
        data = self.disk.read(self.path_of(block))
        plain, whole = unpack_block(data, block.cipher)
        if not whole:
            self.quarantine(self.path_of(block).name, data)
            self.problem(f"block {block.index} is damaged in its compressed form")
        block.sealed = plain is not data and data[:3] == b"cmp"
        return plain

    def quarantine(self, name: str, data: bytes) -> None:
        """Keep a copy of doubtful bytes where no recovery will touch them."""
        folder = self.config.folder / "quarantine"
        self.disk.make_folder(folder)
        stamp = hashlib.sha256(data).hexdigest()[:16]
        path = folder / f"{name}.{stamp}"
        if path.name not in self.disk.names(folder):
            self.disk.replace(path, data)

    def load_block(self, block: Block) -> None:
        """Read a block back into memory; names what is damaged."""
        try:
            data = self.read_block(block)
        except FileNotFoundError:
            data = b""
        _, _, holes = block.scan(data)
        strangers = self.strangers(block)
        if holes or strangers or len(block.live()) < block.msgs:
            have = set(block.record_seqs())
            missing = [
                seq
                for seq in range(block.first_seq, block.last_seq + 1)
                if seq not in have and seq not in block.deleted
            ]
            fresh = [seq for seq in missing if self.lost.add(seq)]
            if fresh:
                self.problem(f"block {block.index} lost sequences {fresh[:20]}")
        self._cached += block.buffered
        block.used_at = self.clock()
        self._trim_cache(block)

    def _trim_cache(self, keep: Block) -> None:
        while self._cached > self.config.cache_bytes:
            idle = [b for b in self.blocks if b.loaded and b is not keep and self._evictable(b)]
            if not idle:
                return
            oldest = min(idle, key=lambda b: b.used_at or 0)
            self._cached -= oldest.buffered
            oldest.unload()

    def _evictable(self, block: Block) -> bool:
        return block is not self.tail and block.written == block.buffered

    # Writing.

    def roll_block(self) -> Block:
        """Finish the last block and start the next."""
        self._guard()
        if self.tail is not None:
            self.flush()
            self._seal(self.tail)
        self.top_index += 1
        index = self.top_index
        block = self.make_block(index, self.last_seq + 1)
        block.file = self._attempt(lambda: self.disk.open(self.path_of(block)))
        self._attempt(lambda: self.disk.sync_folder(self.folder))
        self.blocks.append(block)
        self.tail = block
        self._remember()
        return block

    def _seal(self, block: Block) -> None:
        self._cached += block.buffered
        if self.config.compress and block.buffered > 8:
            self._rewrite(block, block.content())
        block.used_at = self.clock()
        self._trim_cache(block)

    def _rewrite(self, block: Block, plain: bytes) -> None:
        """Atomically replace a block's file; its buffer then holds `plain`."""
        sealed = self.config.compress and block is not self.tail
        packed = pack_block(plain, sealed, block.cipher)
        self._attempt(lambda: self.disk.replace(self.path_of(block), packed))
        if block.file is not None:
            if block in self._unsynced:
                self._unsynced.remove(block)
            self._release(block.file)
            block.file = None
        block.sealed = sealed
        block.scan(plain)
        if block is self.tail:
            block.file = self._attempt(lambda: self.disk.open(self.path_of(block)))

    def _release(self, handle: int) -> None:
        # Behind the syncs already queued: a handle must not close under one.
        self.syncer.run(lambda: self.disk.close(handle), lambda _: None)

    def _guard(self) -> None:
        if self._closed:
            raise StoreClosed("the store is closed")
        self._check()

    def _attempt(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except OSError as error:
            if error.errno in FULL:
                raise StoreFull(f"no space for stream {self.config.name}") from error
            self._fail(error)
            raise StoreFailed(str(error)) from error

    def _fail(self, error: Exception) -> None:
        if self.failed is None:
            self.failed = error
            self.problem(f"storage failed and takes no more changes: {error}")

    def on_dirty(self) -> None:
        """Write once per loop turn, whatever arrives in it."""
        if self.syncer.loop is not None and not self._scheduled:
            self._scheduled = True
            self.syncer.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if not self._closed and self.failed is None:
            with contextlib.suppress(StoreError):
                self.flush()

    def _remember(self) -> None:
        self._floor = (self.last_seq, self.last_ts, self.tail.buffered if self.tail else 0)

    def flush(self) -> None:
        """Write the tail's new bytes; on a full disk undo what was appended since the last."""
        self.dirty = False
        block = self.tail
        if block is None or block.written == block.buffered:
            return
        self._check()
        data = block.unwritten()
        if block.cipher is not None:
            data = block.cipher.apply(data, block.written)
        try:
            self.disk.write(block.file, data, block.written)
        except OSError as error:
            if error.errno not in FULL:
                self._fail(error)
                raise StoreFailed(str(error)) from error
            self._undo(block)
            raise StoreFull(f"no space for stream {self.config.name}") from error
        block.written = block.buffered
        if block not in self._unsynced:
            self._unsynced.append(block)
        self._marks.clear()
        self._remember()

    def _undo(self, block: Block) -> None:
        """Forget the appends since the last flush; removals stay noted for the next try."""
        last_seq, last_ts, size = self._floor
        try:
            self.disk.truncate(block.file, size)
        except OSError as error:
            self._fail(error)
            raise StoreFailed(str(error)) from error
        for seq in range(self.last_seq, last_seq, -1):
            if block.record_length(seq):
                self.unlink(seq)
        block.cut(size)
        block.last_seq, block.last_ts = last_seq, last_ts
        block.deleted = _only_up_to(block.deleted, last_seq) if block.deleted else block.deleted
        self.last_seq, self.last_ts = last_seq, last_ts
        if not block.msgs:
            block.first_seq = last_seq + 1
        self.find_first()
        for seq, ts, tombstone in self._marks:
            if tombstone and seq <= last_seq:
                block.mark(seq, ts, True)

    def commit(self, callback: CommitCallback) -> None:
        """See `Store.commit`. In relaxed mode the write is enough and fsync follows on a timer."""
        try:
            self._guard()
            self.flush()
        except StoreError as error:
            callback(error)
            return
        if self.config.sync_interval > 0:
            self._arm_timer()
            callback(None)
            return
        self._waiting.append(callback)
        self._start_sync()

    def _arm_timer(self) -> None:
        loop = self.syncer.loop
        if loop is not None and self._timer is None:
            self._timer = loop.call_later(self.config.sync_interval, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._start_sync()

    def _start_sync(self) -> None:
        if self._syncing:
            return
        waiting, self._waiting = self._waiting, []
        handles = [block.file for block in self._unsynced if block.file is not None]
        done_blocks, self._unsynced = self._unsynced, []
        self._syncing = True

        def work() -> None:
            for handle in handles:
                self.disk.sync(handle)

        def done(error: OSError | None) -> None:
            self._syncing = False
            failure: StoreError | None = None
            if error is not None:
                # After one failed fsync the kernel may have dropped the pages: never retry.
                self._fail(error)
            if self.failed is not None:
                failure = StoreFailed(str(self.failed))
            for block in done_blocks:
                if block is not self.tail and block not in self._unsynced:
                    self._close_file(block)
            for callback in waiting:
                callback(failure)
            if self._waiting:
                self._start_sync()

        self.syncer.run(work, done)

    def _close_file(self, block: Block) -> None:
        if block.file is not None:
            self.disk.close(block.file)
            block.file = None

    # Removing.

    def _mark(self, seq: int, ts: int) -> None:
        tail = self.tail
        if tail is None or tail.buffered + 30 > self.block_size:
            tail = self.roll_block()
        tail.mark(seq, ts, True)
        self._marks.append((seq, ts, True))
        if not self.dirty:
            self.dirty = True
            self.on_dirty()

    def _bury(self, seq: int, ts: int) -> None:
        self._mark(seq, ts)
        at = self.block_at(seq)
        if at < len(self.blocks):
            block = self.blocks[at]
            if block.msgs and block is not self.tail and block.loaded:
                size = block.buffered
                if size > COMPACT_MINIMUM and block.nbytes * 2 < size:
                    self.compact_block(block)

    def compact_block(self, block: Block) -> None:
        """Rewrite a finished block without its deleted records; damaged blocks stay as they are."""
        if not block.loaded:
            self.load_block(block)
        with contextlib.suppress(CorruptRecord):
            plain = block.compacted(lambda seq: seq < block.first_seq and seq >= self.first_seq)
            self.flush()
            self._sync_now()
            self._retire_index()
            self._cached -= block.buffered
            self._rewrite(block, plain)
            self._cached += block.buffered

    def _retire_index(self) -> None:
        """Records are about to leave the disk for good: the old index may no longer vouch for
        them. Kept while something is lost, when it is the only witness of that."""
        if self._index_stands and not self.lost:
            self._index_stands = False
            self._attempt(lambda: self.disk.remove(self.folder / "index.db"))
            self._attempt(lambda: self.disk.sync_folder(self.folder))

    def _drop_block(self, block: Block) -> None:
        self._retire_index()
        # The tombstones that emptied it must be on disk before its records go.
        self.flush()
        self._sync_now()
        if block.loaded:
            self._cached -= block.buffered
        if block in self._unsynced:
            self._unsynced.remove(block)
        if block.file is not None:
            self._release(block.file)
            block.file = None
        self._carry_tombstones(block)
        self._attempt(lambda: self.disk.remove(self.path_of(block)))
        self._attempt(lambda: self.disk.remove(self.folder / f"{block.index}.key"))

    def _carry_tombstones(self, block: Block) -> None:
        """Tombstones in a dying block that still cover records in living ones move on."""
        data = block.content() if block.loaded else self.read_block(block)
        tombs, _, holes = Block(block.index, 1, self.config.name).scan(data)
        if holes:
            self.quarantine(f"{block.index}.blk", self.disk.read(self.path_of(block)))
        for seq, ts in tombs:
            at = self.block_at(seq)
            if at < len(self.blocks) and self.blocks[at].index != block.index:
                holder = self.blocks[at]
                if holder.first_seq <= seq <= holder.last_seq:
                    self._mark(seq, ts)
        self.flush()
        self._sync_now()

    def _sync_now(self) -> None:
        for block in self._unsynced:
            if block.file is not None:
                self._attempt(partial(self.disk.sync, block.file))
        self._unsynced.clear()

    def erase(self, seq: int) -> bool:
        """Delete one message and overwrite its bytes on disk with random ones."""
        self._guard()
        block = next((b for b in self.blocks if b.first_seq <= seq <= b.last_seq), None)
        if block is None:
            return False
        gone = self.unlink(seq)
        if gone is None:
            return False
        if not block.loaded:
            self.load_block(block)
        self.flush()
        block.scrub(seq, self.random(block.record_length(seq)))
        self._rewrite(block, block.content())
        self._bury(seq, gone[1])
        self._sweep(seq)
        return True

    def truncate(self, seq: int) -> None:
        """Delete everything above `seq`; a new block then carries on from there."""
        self._guard()
        self.flush()
        # Sequences will be used again: an index that knew the old ones must not vouch for them.
        self._retire_index()
        while self.msgs and self.last_seq > seq:
            last = self.previous_of(b">", seq + 1, self.last_seq)
            if last is None:
                break
            self.unlink(last.seq)
        last_ts = self.last_ts
        for block in reversed(list(self.blocks)):
            if block.first_seq > seq or not block.msgs:
                if block is not self.tail:
                    self.blocks.remove(block)
                    self._drop_block(block)
            elif block.last_seq > seq:
                live = block.live()
                block.last_seq, last_ts = live[-1][0], live[-1][1]
                block.last_ts = last_ts
                block.deleted = _only_up_to(block.deleted, block.last_seq)
                self._rewrite(block, block.compacted(lambda gone: gone <= seq))
        self.last_seq, self.last_ts = seq, last_ts
        self.find_first()
        old = self.tail
        self.roll_block()
        assert self.tail is not None
        if self.block_at(seq) >= len(self.blocks) or self.get(seq) is None:
            self.tail.mark(seq, last_ts, True)  # nothing else remembers the last sequence
        self.flush()
        self._sync_now()
        if old is not None and not old.msgs and old in self.blocks:
            self.blocks.remove(old)
            self._drop_block(old)

    # The index and the end.

    def index_state(self) -> FullState:
        """What index.db says of the store right now."""
        blocks = [b for b in self.blocks if b.msgs or b is self.tail]
        entries = [
            BlockEntry(
                b.index, b.nbytes, b.first_seq, b.first_ts, b.last_seq, b.last_ts, b.deleted, b.msgs
            )
            for b in blocks
        ]
        subjects = []
        for subject, total, first, last in self.tree.match(b">"):
            low = self.blocks[min(self.block_at(first), len(self.blocks) - 1)]
            high = self.blocks[min(self.block_at(last), len(self.blocks) - 1)]
            subjects.append((subject, total, low.index, high.index))
        assert self.tail is not None
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

    def write_index(self) -> None:
        """Save the state so that the next start needs no scan."""
        self.flush()
        if self.lost:
            # The index on disk is the witness of what should be there; a new one would hide it.
            return
        body = encode_index(self.index_state())
        if self.sealer is not None:
            body = self.sealer.seal(body, self.random(self.sealer.nonce_size))
        data = body + digest64(self.hash_key, body)
        self._attempt(lambda: self.disk.replace(self.folder / "index.db", data))
        self._index_stands = True

    def close(self) -> None:
        """Flush, sync, save the index, release every file. Safe to call twice."""
        if self._closed:
            return
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self.failed is None:
                self.flush()
                self._sync_now()
                self.write_index()
        finally:
            self._closed = True
            waiting, self._waiting = self._waiting, []
            for block in self.blocks:
                if block.file is not None:
                    self._release(block.file)
                    block.file = None
            for callback in waiting:
                callback(StoreFailed(str(self.failed)) if self.failed else None)


def _only_up_to(deleted: SequenceSet, last: int) -> SequenceSet:
    kept = SequenceSet()
    for seq in deleted:
        if seq <= last:
            kept.add(seq)
    return kept
