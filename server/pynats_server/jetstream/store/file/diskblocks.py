"""What a stream's folder holds and how its blocks come back into memory.

`msgs/<n>.blk` hold the records, `<n>.key` a block's sealed seed, `index.db` the state that saves
a scan at the next start. Nothing is deleted on doubt: bytes that cannot be read are copied to
`quarantine/` beside `msgs/` before anything is cut off, and what is missing is named in
`state().lost`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import (
    BadKey,
    StoreClosed,
    StoreError,
    StoreFailed,
    StoreFull,
)
from pynats_server.jetstream.store.file.blockfile import is_packed, unpack_block
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.group_commit import Committer, Syncer
from pynats_server.jetstream.store.file.meta import name_key
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.format.index_db import FullState, decode_index
from pynats_server.jetstream.store.seqset import SequenceSet

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import Keys, Sealer

MIB = 1024 * 1024
GLANCE_SPARE = 64 * 1024  # bytes: a block may be longer than its size by tombstones
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    an fsync. `cache_bytes` bounds the buffers of blocks that are only read. `prev_keys` open
    what `keys` (or no keys) do not: such a folder is converted when it is opened. Every
    `index_interval` seconds, and a quarter more at random, a changed index is saved."""

    name: str
    folder: Path
    block_size: int = 8 * MIB
    compress: bool = False
    keys: Keys | None = None
    sync_interval: float = 0.0
    cache_bytes: int = 64 * MIB
    first_seq: int = 1
    prev_keys: Keys | None = None
    index_interval: float = 120.0


class DiskBlocks(BlockStore):
    """The reading half of a store on disk."""

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
        self.committer = Committer(self.syncer, self.disk, self.fail)
        self.lost = SequenceSet()
        self.folder = config.folder / "msgs"
        self.hash_key = name_key(config.name)
        self.top_index = 0
        self.sealer: Sealer | None = None
        self._closed = False
        self._cached = 0
        self._clock_of_use = 0
        self.first_seq, self.last_seq = config.first_seq, config.first_seq - 1

    def problem(self, text: str) -> None:
        """Report something an operator must know."""
        self.problems.append(text)
        if self._on_problem is not None:
            self._on_problem(text)

    def fail(self, error: Exception) -> None:
        """Refuse every change from now on."""
        if self.failed is None:
            self.failed = error
            self.problem(f"storage failed and takes no more changes: {error}")

    def guard(self) -> None:
        """Raise unless the store is open and sound."""
        if self._closed:
            raise StoreClosed("the store is closed")
        self._check()

    def attempt(self, work: Callable[[], Any]) -> Any:
        """Disk work in the caller: a full disk raises StoreFull, other failures are final."""
        try:
            return work()
        except OSError as error:
            if error.errno in FULL:
                raise StoreFull(f"no space for stream {self.config.name}") from error
            self.fail(error)
            raise StoreFailed(str(error)) from error

    def open_stream_key(self) -> None:
        """Find or make the seed that seals the stream's metadata."""
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
        self.sealer = keys.seed_sealer(keys.recover(self.config.name, sealed))

    def read_index(self) -> FullState | None:
        """The saved state, or None when there is none or it is damaged (said in `problems`)."""
        try:
            data = self.disk.read(self.folder / "index.db")
        except FileNotFoundError:
            return None
        try:
            if len(data) < 32 or digest64(self.hash_key, memoryview(data)[:-8]) != data[-8:]:
                raise ValueError("checksum does not match")
            body: bytes | memoryview = memoryview(data)[:-8]
            if self.sealer is not None:
                with contextlib.suppress(BadKey):  # restored archives carry it in the clear
                    body = self.sealer.open(data[:-8])
            return decode_index(body)
        except ValueError as error:
            self.problem(f"index.db is unusable ({error}); rebuilding from the blocks")
            return None

    def path_of(self, block: Block) -> Path:
        """The block's file."""
        return self.folder / f"{block.index}.blk"

    def key_path(self, index: int) -> Path:
        """The file of a block's sealed seed."""
        return self.folder / f"{index}.key"

    def make_block(self, index: int, first_seq: int) -> Block:
        """The object of a block on disk, with its cipher; BadKey when its key does not open."""
        block = Block(index, first_seq, self.config.name)
        keys = self.config.keys
        if keys is not None:
            try:
                sealed = self.disk.read(self.key_path(index))
            except FileNotFoundError:
                return block  # from before encryption was turned on
            block.cipher = keys.block_cipher(sealed, keys.recover(self.context(index), sealed))
        return block

    def context(self, index: int) -> str:
        """What a block's seed is sealed for."""
        return f"{self.config.name}:{index}"

    def read_block(self, block: Block) -> bytes:
        """The block's records from its file, outer layers removed."""
        plain, damaged = self.unpack_file(block)
        if damaged:
            self.report_packed(block, damaged)
        return plain

    def unpack_file(self, block: Block) -> tuple[bytes, bytes]:
        """(records of the block's file, the file's content when it is damaged in its compressed
        form). Tells nobody of damage, so any thread may call it."""
        data = self.disk.read(self.path_of(block))
        plain, whole = unpack_block(data, block.cipher)
        block.sealed = is_packed(data, block.cipher)
        return plain, b"" if whole else data

    def report_packed(self, block: Block, data: bytes) -> None:
        """Tell of a file that is damaged in its compressed form."""
        self.quarantine(self.path_of(block).name, data)
        self.problem(f"block {block.index} is damaged in its compressed form")

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
        except OSError as error:  # perhaps it can be read another time: nothing is lost yet
            raise StoreError(f"block {block.index} cannot be read: {error}") from error
        _, _, holes = block.scan(data)
        strangers = self.strangers(block)
        if holes or strangers or block.count_live() < block.msgs:
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
        self.keep_in_cache(block)

    def glance(self, blocks: list[Block]) -> None:
        """Look through the blocks' files for headers without loading them: the window of message
        ids may be large, and few streams use them."""
        room = bytearray()
        for block in blocks:
            if not self.disk.native or block.cipher is not None:
                continue
            with contextlib.suppress(OSError), self.path_of(block).open("rb", 0) as file:
                room = room or bytearray(self.block_size + GLANCE_SPARE)
                size = file.readinto(room) or 0
                if size == os.fstat(file.fileno()).st_size:
                    block.glance(memoryview(room)[:size])

    def keep_in_cache(self, block: Block) -> None:
        """Note a use of a block's buffer, and drop the buffers unused for longest."""
        self._clock_of_use += 1
        block.used_at = self._clock_of_use
        while self._cached > self.config.cache_bytes:
            idle = [b for b in self.blocks if b.loaded and b is not block and self._evictable(b)]
            if not idle:
                return
            oldest = min(idle, key=lambda b: b.used_at or 0)
            self._cached -= oldest.buffered
            oldest.unload()

    def _evictable(self, block: Block) -> bool:
        return block is not self.tail and block.written == block.buffered and block.rewriting == 0
