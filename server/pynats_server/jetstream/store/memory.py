"""Streams in memory: the same blocks, never written anywhere."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import CommitCallback
from pynats_server.jetstream.store.file.syncing.group_commit import Syncer
from pynats_server.jetstream.store.places import SourcePlaces
from pynats_server.jetstream.store.removal.disposal import dispose
from pynats_server.work import Work

BLOCK_SIZE = 1024 * 1024


class MemoryStore(BlockStore):
    """A `Store` without a disk. Sizes count subject + headers + payload + 16 per message."""

    def __init__(self, name: str, first_seq: int = 1) -> None:
        self.name = name
        self.unreadable = {}
        self.places = SourcePlaces()
        self.block_size = BLOCK_SIZE
        self.first_seq, self.last_seq = first_seq, first_seq - 1
        self.roll_block()

    def roll_block(self) -> Block:
        """Start the next block."""
        index = self.blocks[-1].index + 1 if self.blocks else 1
        if self.tail is not None and not self.tail.msgs:
            self.blocks.remove(self.tail)
        block = Block(index, self.last_seq + 1, self.name)
        self.blocks.append(block)
        self.tail = block
        return block

    def loading(self, block: Block) -> Work[None]:
        """Every block is in memory."""
        yield from ()

    def on_dirty(self) -> None:
        """Nothing waits to be written."""

    def flush(self) -> None:
        """Nothing to write."""
        self.dirty = False
        self.places.kept(self.last_seq)

    def commit(self, callback: CommitCallback) -> None:
        """Complete at once: memory gets no more durable."""
        self.flush()
        callback(None)

    def commit_kept(self, callback: CommitCallback) -> None:
        """As `commit`."""
        self.commit(callback)

    def when_durable(self, callback: CommitCallback) -> None:
        """As `commit`."""
        self.commit(callback)

    def on_sparse(self, block: Block) -> None:
        """Give the memory of its deleted records back."""
        block.scan(block.compacted())

    def reap(self) -> None:
        """Drop the blocks without live messages."""
        self.dead = False
        self.blocks = [b for b in self.blocks if b.msgs or b is self.tail]

    def _let_go(self) -> list[Block]:
        gone = [block for block in self.blocks if block is not self.tail]
        self.blocks = [block for block in self.blocks if block is self.tail]
        return gone

    def erase(self, seq: int) -> bool:
        """Delete one message and overwrite it in memory."""
        self._check()
        block = next((b for b in self.blocks if b.first_seq <= seq <= b.last_seq), None)
        if block is None or self.unlink(seq) is None:
            return False
        if block.record_length(seq):
            block.scrub(seq, bytes(block.record_length(seq)))
        self._after_removal(seq)
        return True

    def truncate(self, seq: int) -> None:
        """Delete everything above `seq`."""
        self.forget_above(seq)
        while self.msgs and self.last_seq > seq:
            message = self.load_previous(b">", self.last_seq)
            if message is None or message.seq <= seq:
                break
            self.unlink(message.seq)
        self._restart_after(seq)
        self.tell_swept()

    def _restart_after(self, seq: int) -> None:
        self.blocks = [b for b in self.blocks if b.msgs]
        if self.blocks:
            last = self.blocks[-1]
            last.scan(last.compacted())
            last.deleted.discard(seq)
            live = last.live()
            last.last_seq, last.last_ts = live[-1][0], live[-1][1]
            for gone in [s for s in last.deleted if s > last.last_seq]:
                last.deleted.discard(gone)
        self.last_seq = seq
        self.last_ts = self.blocks[-1].last_ts if self.blocks else self.last_ts
        if not self.msgs:
            self.first_seq = seq + 1
        self.tail = None
        self.roll_block()

    def attach(self, syncer: Syncer) -> None:
        """Syncs nothing."""

    def guard(self) -> None:
        """Raise unless the store takes changes."""
        self._check()

    def fail(self, error: Exception) -> None:
        """Refuse every change from now on."""
        if self.failed is None:
            self.failed = error
            if self.on_failed is not None:
                self.on_failed()

    def write_meta(self, meta: dict[str, Any]) -> None:
        """Nothing of the stream is kept."""

    def change_meta(self, old: dict[str, Any], new: dict[str, Any]) -> Exception | None:
        """Nothing of the stream is kept."""
        return None

    def when_idle(self, done: Callable[[], None]) -> None:
        """No thread ever works for it."""
        done()

    async def closing(self, threads: Executor) -> None:
        """See `Store.closing`."""
        self.close()

    def close(self, keep: bool = True) -> None:
        """Forget everything."""
        blocks, self.blocks, self.tail = self.blocks, [], None
        dispose(self.tree.part(), blocks)
