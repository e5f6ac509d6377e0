"""What a look at a stream's folder has found, and what both ways to it do at their end."""

from __future__ import annotations

from dataclasses import dataclass, field

from pynats_server.jetstream.store.contract import SEQ_MAX
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.format.ledger_file import Claim
from pynats_server.jetstream.store.format.purge_note import decode_purges


@dataclass(slots=True)
class Recovered:
    """What a folder holds. `blocks`: the index over its blocks, whose `tail` is the block to
    append to, if there is one; its file is not open yet. `saved`: the state of index.db, current or
    not. `missing`: the last sequence that it knows, and its time, when the blocks end before.
    `notes`: those of the log, in order, and `floor` and `removed`: of which removals it tells."""

    blocks: DiskBlocks
    top_index: int = 0  # the highest number of a block
    saved: FullState | None = None
    missing: tuple[int, int] | None = None
    notes: list[bytes] = field(default_factory=list)
    floor: int = 0
    removed: frozenset[int] = frozenset()
    claims: dict[int, Claim] = field(default_factory=dict)  # of the ledger, which fit the files
    purges: dict[bytes, int] = field(default_factory=dict)  # of `notes`: last sequence, by filter
    purged: int = 0  # up to where they have gone: a block that they empty leaves no tombstones

    def has_removed(self, seq: int) -> bool:
        """Whether a message that is not there was removed, not lost."""
        known = self.saved.last_seq if self.saved is not None else 0
        return seq <= max(known, self.floor, self.purged) or seq in self.removed

    def read_purges(self) -> None:
        """Find the purges among the notes."""
        try:
            self.purges = decode_purges(self.notes)
        except ValueError as error:
            self.blocks.files.problem(f"a purge may come undone: {error}")
        self.purged = max(self.purges.values(), default=0)


def beyond(index: DiskBlocks, last: int, ts: int) -> tuple[int, int] | None:
    """How far the sequences have been used, if the blocks end before."""
    return (last, max(ts, index.last_ts)) if last > index.last_seq else None


def choose_tail(index: DiskBlocks, top_index: int) -> None:
    """Write on into the last block, unless its form on disk cannot be appended to, or a good file
    may yet take its place."""
    last = index.blocks[-1]
    in_clear = index.files.config.keys is not None and last.cipher is None
    healing = index.losses.doubts(last.index)
    if last.index == top_index and not last.sealed and not in_clear and not healing:
        index.tail = last


def drop_below(index: DiskBlocks, seq: int) -> None:
    """Drop what lies in front of `seq`."""
    while index.drop_front(seq, SEQ_MAX):
        pass
