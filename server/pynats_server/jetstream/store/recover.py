"""Bringing a stream's folder back: from index.db when it fits the data, else from every block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .api import BadKey
from .engine import Block
from .index import FullState
from .seqset import SequenceSet

if TYPE_CHECKING:
    from .filestore import FileStore

LOST_MAX = 1_000_000  # sequences named one by one in one damaged range


def block_indexes(store: FileStore) -> list[int]:
    """Numbers of the block files in the folder, ascending."""
    found = []
    for name in store.disk.names(store.folder):
        stem, dot, kind = name.partition(".")
        if dot and kind == "blk" and stem.isdigit():
            found.append(int(stem))
    return sorted(found)


def apply_index(store: FileStore, state: FullState) -> bool:
    """Take over a saved state if the files are exactly the ones it speaks of."""
    on_disk = set(block_indexes(store))
    listed = {entry.index for entry in state.blocks}
    if not state.blocks or not listed <= on_disk or max(on_disk) != state.tail_index:
        return False
    if state.blocks[-1].index != state.tail_index:
        return False
    if sum(entry.msgs for entry in state.blocks) != state.msgs:
        return False
    blocks = []
    try:
        for entry in state.blocks:
            block = store.make_block(entry.index, entry.first_seq)
            block.first_ts, block.last_ts = entry.first_ts, entry.last_ts
            block.last_seq, block.nbytes = entry.last_seq, entry.nbytes
            block.msgs, block.deleted = entry.msgs, entry.deleted
            blocks.append(block)
        tail = blocks[-1]
        _, _, holes = tail.scan(store.read_block(tail))
    except BadKey:
        return False
    if holes or tail.last_sum() != state.tail_sum:
        return False
    for block in blocks[:-1]:
        block.unload()
    store.top_index = max(on_disk)
    store.blocks = blocks
    store.msgs, store.nbytes = state.msgs, state.nbytes
    store.first_seq, store.first_ts = state.first_seq, state.first_ts
    store.last_seq, store.last_ts = state.last_seq, state.last_ts
    by_index = {block.index: block for block in blocks}
    for subject, total, first, last in state.subjects:
        low = by_index.get(first, blocks[0]).first_seq
        high = by_index[last].last_seq if last in by_index else state.last_seq
        store.set_subject(subject, total, low, high)
    if store.strangers(tail):
        _forget(store)
        return False
    _adopt_tail(store)
    return True


def _forget(store: FileStore) -> None:
    store.blocks, store.tail = [], None
    store.tree.clear()
    store.msgs = store.nbytes = 0
    store.first_seq, store.last_seq = store.config.first_seq, store.config.first_seq - 1
    store.first_ts = store.last_ts = 0


def _adopt_tail(store: FileStore) -> None:
    """Go on writing into the last block, unless its form on disk cannot be appended to."""
    tail = store.blocks[-1]
    if (
        tail.index != store.top_index
        or tail.sealed
        or (store.config.keys is not None and tail.cipher is None)
    ):
        store.tail = None
        return
    tail.file = store.disk.open(store.path_of(tail))
    store.tail = tail


def rebuild(store: FileStore, prior: FullState | None) -> None:
    """Scan every block. `prior` (a stale but intact index) vouches for what should be there."""
    _forget(store)
    tombs: list[tuple[int, int]] = []
    known = {subject for subject, *_ in prior.subjects} if prior is not None else set()
    indexes = block_indexes(store)
    store.top_index = max(indexes, default=0)
    top = store.last_seq
    top_ts = 0
    for index in indexes:
        block, found, skipped = _scan_block(store, index, index == indexes[-1])
        if block is None:
            continue
        if prior is not None:
            strangers = block.drop_strangers(known, prior.last_seq)
            if set(strangers) - {seq for seq, _ in tombs}:
                store.problem(f"block {index}: records {strangers[:20]} carry unknown subjects")
            ends = index == prior.tail_index and prior.tail_sum != bytes(8)
            if ends and prior.tail_sum not in block.content():
                store.problem(f"block {index} ends before the last record the index knows")
        tombs += found
        for seq, ts in [*found, *skipped]:
            if seq > top:
                top, top_ts = seq, ts
        _take_records(store, block, top)
        if block.last_seq > top and block.msgs:
            top, top_ts = block.last_seq, block.last_ts
        store.blocks.append(block)
    store.last_seq, store.last_ts = top, top_ts
    for block in store.blocks:
        if not block.msgs:
            block.first_seq, block.last_seq = top + 1, top
    store.find_first()
    _finish(store, prior)
    for seq, _ in tombs:
        store.unlink(seq)
        store.lost.discard(seq)
    for block in [b for b in store.blocks if not b.msgs and b is not store.tail]:
        store.blocks.remove(block)  # its file stays: it may hold tombstones or doubt


def _scan_block(
    store: FileStore, index: int, last: bool
) -> tuple[Block | None, list[tuple[int, int]], list[tuple[int, int]]]:
    try:
        block = store.make_block(index, 1)
    except BadKey as error:
        store.problem(f"block {index} cannot be opened: {error}")
        for name in (f"{index}.blk", f"{index}.key"):
            store.quarantine(name, store.disk.read(store.folder / name))
        return None, [], []
    data = store.read_block(block)
    tombs, skips, holes = block.scan(data)
    for offset, size in holes:
        store.problem(f"block {index}: {size} bytes at {offset} hold no intact record")
        store.lost_bytes += size
    if holes:
        store.quarantine(f"{index}.blk", store.disk.read(store.path_of(block)))
        _name_lost(store, block, skips)
    if holes and last and not block.sealed and sum(holes[-1]) == len(data):
        _cut_tail(store, block, holes[-1][0])
    return block, tombs, skips


def _name_lost(store: FileStore, block: Block, skips: list[tuple[int, int]]) -> None:
    """Sequences missing between two records around a hole are lost until proven deleted."""
    seqs = sorted({*block.record_seqs(), *(seq for seq, _ in skips)})
    previous = store.last_seq
    if store.blocks:
        previous = max(previous, store.blocks[-1].last_seq)
    for seq in seqs:
        for gone in range(previous + 1, min(seq, previous + LOST_MAX)):
            store.lost.add(gone)
        previous = max(previous, seq)


def _cut_tail(store: FileStore, block: Block, size: int) -> None:
    """Drop a torn end (already in quarantine) so that the block can be appended to."""
    handle = store.disk.open(store.path_of(block))
    try:
        store.disk.truncate(handle, size)
        store.disk.sync(handle)
    finally:
        store.disk.close(handle)
    block.cut(size)


def _take_records(store: FileStore, block: Block, top: int) -> None:
    block.first_seq, block.last_seq = 1, (1 << 62) - 1
    rows = [row for row in block.live() if row[0] > store.last_seq]
    block.deleted = SequenceSet()
    block.msgs = block.nbytes = 0
    if not rows:
        block.first_seq, block.last_seq = top + 1, top
        return
    expected = rows[0][0]
    for seq, _, subject, size in rows:
        if seq != expected:
            block.deleted.add_range(expected, seq - 1)
        expected = seq + 1
        store.count_in(subject, seq)
        block.nbytes += size
    block.msgs = len(rows)
    block.first_seq, block.first_ts = rows[0][0], rows[0][1]
    block.last_seq, block.last_ts = rows[-1][0], rows[-1][1]
    store.msgs += block.msgs
    store.nbytes += block.nbytes
    store.last_seq = block.last_seq


def _finish(store: FileStore, prior: FullState | None) -> None:
    if store.blocks:
        _adopt_tail(store)
        last = store.blocks[-1]
        if last.msgs and last.last_seq < store.last_seq:
            last.deleted.add_range(last.last_seq + 1, store.last_seq)
            last.last_seq, last.last_ts = store.last_seq, store.last_ts
    if prior is not None and prior.last_seq > store.last_seq:
        for seq in range(store.last_seq + 1, min(prior.last_seq, store.last_seq + LOST_MAX) + 1):
            store.lost.add(seq)
        store.problem(f"sequences {store.last_seq + 1}..{prior.last_seq} are missing")
        store.skip(prior.last_seq - store.last_seq, prior.last_ts)
    if prior is not None and store.problems:
        _name_missing(store, prior)
    for block in store.blocks:
        if block is not store.tail:
            block.unload()
    if not store.msgs:
        store.first_seq = store.last_seq + 1
    if prior is not None and prior.first_seq > store.first_seq and not store.msgs:
        store.first_seq = prior.first_seq


def _name_missing(store: FileStore, prior: FullState) -> None:
    """After damage, the last intact index decides: what it counted as live and no block has is
    lost, and what it counted as deleted stays deleted even if its tombstone is gone."""
    gone = SequenceSet()
    expected = 1
    for entry in prior.blocks:
        if entry.first_seq > expected:
            gone.add_range(expected, entry.first_seq - 1)
        for seq in entry.deleted:
            gone.add(seq)
        expected = max(expected, entry.last_seq + 1)
    for block in store.blocks:
        for seq in block.record_seqs():
            if seq in gone and seq <= prior.last_seq:
                store.unlink(seq)
    for entry in prior.blocks:
        for seq in range(entry.first_seq, min(entry.last_seq, entry.first_seq + LOST_MAX) + 1):
            if seq in entry.deleted:
                continue
            at = store.block_at(seq)
            if at < len(store.blocks):
                block = store.blocks[at]
                if block.msgs and block.first_seq <= seq and seq not in block.deleted:
                    continue
            store.lost.add(seq)
