"""Bringing a stream's folder back: from index.db when it fits the data, else from every block."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import BadKey, CorruptRecord
from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.format.subjectlist import subjects_of
from pynats_server.jetstream.store.seqset import SequenceSet

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pynats_server.jetstream.store.file.filestore import FileStore

READERS = 2  # threads; each holds a block, and as many more wait to be looked at
LOST_MAX = 1_000_000  # sequences named one by one in one damaged range


def block_indexes(store: FileStore) -> list[int]:
    """Numbers of the block files in the folder, ascending."""
    found = []
    for name in store.disk.names(store.folder):
        stem, dot, kind = name.partition(".")
        if dot and kind == "blk" and stem.isdigit():
            found.append(int(stem))
    return sorted(found)


def recover(store: FileStore) -> FullState | None:
    """Fill a fresh store from its folder; returns the saved state it could lean on, if any."""
    state = store.read_index()
    if state is None or not apply_index(store, state):
        rebuild(store, state)
    return state


def apply_index(store: FileStore, state: FullState) -> bool:
    """Take over a saved state, then what was written after it; False when the files are not the
    ones it speaks of, or damaged where this looks (every block is scanned then)."""
    on_disk = block_indexes(store)
    if not _fits(state, on_disk):
        return False
    try:
        blocks = _listed_blocks(store, state, on_disk)
        tail = blocks[-1]
        _, _, holes = tail.scan(store.read_block(tail))
        end = 0 if state.tail_sum == bytes(8) else tail.holds(state.tail_sum)
        if holes or (not end and state.tail_sum != bytes(8)):
            return False
        newer = [_newer_block(store, index) for index in on_disk if index > state.tail_index]
    except (BadKey, ValueError):
        return False
    floor = max(block.floor for block in [tail, *newer])
    _take_over(store, state, blocks)
    if store.strangers(tail) or not _replay(store, tail, end, newer):
        _forget(store)
        return False
    store.drop_front(floor + 1)
    for block in store.blocks[:-1]:
        if block.ttls and not block.loaded:
            store.load_block(block)
        if block.ttls and block.index < tail.index:
            store.gather_expiries(block)
    _adopt_tail(store)
    store.dead = True
    return True


def _fits(state: FullState, on_disk: list[int]) -> bool:
    if not state.blocks or not on_disk or state.blocks[-1].index != state.tail_index:
        return False
    if not {entry.index for entry in state.blocks} <= set(on_disk):
        return False  # also when limits dropped a block since: its subjects are not known
    return sum(entry.msgs for entry in state.blocks) == state.msgs


def _listed_blocks(store: FileStore, state: FullState, on_disk: list[int]) -> list[Block]:
    """The state's blocks, and in between the ones it left out because nothing lived in them;
    they may hold tombstones, and go once the front has passed them."""
    entries = {entry.index: entry for entry in state.blocks}
    blocks: list[Block] = []
    for index in sorted({*entries, *(i for i in on_disk if i < state.tail_index)}):
        entry = entries.get(index)
        last = blocks[-1].last_seq if blocks else state.blocks[0].first_seq - 1
        block = store.make_block(index, entry.first_seq if entry else last + 1)
        if entry is None:
            block.last_seq, block.grave = last, True
        else:
            block.first_ts, block.last_ts = entry.first_ts, entry.last_ts
            block.last_seq, block.nbytes = entry.last_seq, entry.nbytes
            block.msgs, block.deleted = entry.msgs, entry.deleted
            block.ttls, block.schedules = entry.ttls, entry.schedules
        if index != state.tail_index:
            block.unload()
        blocks.append(block)
    return blocks


def _newer_block(store: FileStore, index: int) -> Block:
    block = store.make_block(index, 1)
    _, _, holes = block.scan(store.read_block(block))
    if holes:
        raise ValueError(f"block {index} is damaged")
    return block


def _take_over(store: FileStore, state: FullState, blocks: list[Block]) -> None:
    store.top_index = state.tail_index
    store.blocks = blocks
    store.msgs, store.nbytes = state.msgs, state.nbytes
    store.first_seq, store.first_ts = state.first_seq, state.first_ts
    store.last_seq, store.last_ts = state.last_seq, state.last_ts
    store.take_subjects(state.subjects, state.lists_last)


def _replay(store: FileStore, tail: Block, end: int, newer: list[Block]) -> bool:
    """Apply what the blocks say beyond the saved state: appends, skips, tombstones."""
    tombs = tail.tombstones(end)
    skips = tail.skips(end)
    if tail.ttls:
        store.gather_expiries(tail)
    store.extend(tail)
    for block in newer:
        top = max([store.last_seq, *(seq for seq, _ in skips)])
        store.adopt(block, top)
        store.blocks.append(block)
        store.top_index = block.index
        tombs += block.tombstones()
        skips += block.skips(0)
    last = max([(store.last_seq, store.last_ts), *skips, *tombs])
    if last[0] > store.last_seq:
        _reach(store, *last)
    try:
        for seq, _ in tombs:
            store.unlink(seq)
    except CorruptRecord:
        return False
    store.find_first()
    return True


def _reach(store: FileStore, seq: int, ts: int) -> None:
    """Move the last sequence on: those up to `seq` are used up, though no message has them."""
    last = store.blocks[-1]
    if last.msgs and last.last_seq < seq:
        last.deleted.add_range(last.last_seq + 1, seq)
        last.last_seq, last.last_ts = seq, ts
    elif not last.msgs:
        last.first_seq, last.last_seq = seq + 1, seq
    store.last_seq, store.last_ts = seq, ts


def _forget(store: FileStore) -> None:
    store.blocks, store.tail = [], None
    store.tree.clear()
    store.forget_above(0)
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
    known = subjects_of(prior.subjects, prior.lists_last) if prior is not None else None
    indexes = block_indexes(store)
    store.top_index = max(indexes, default=0)
    top, top_ts, floor = store.last_seq, 0, 0
    for scanned in _read_all(store, indexes):
        block, index = scanned.block, scanned.index
        if block is None:
            _set_aside(store, scanned)
            continue
        _look_at_damage(store, scanned, index == indexes[-1])
        found, skipped = scanned.tombs, scanned.skips
        sound = not (scanned.packed or scanned.holes)
        if prior is not None and known is not None:
            strangers = block.drop_strangers(known, prior.last_seq)
            if set(strangers) - {seq for seq, _ in tombs}:
                store.problem(f"block {index}: records {strangers[:20]} carry unknown subjects")
            sound = sound and not strangers
            ends = index == prior.tail_index and prior.tail_sum != bytes(8)
            if ends and prior.tail_sum not in block.content():
                store.problem(f"block {index} ends before the last record the index knows")
        tombs += found
        floor = max(floor, block.floor)
        store.adopt(block, top)
        for seq, ts in [*found, *skipped, (block.floor, 0)]:
            if seq > top:
                top, top_ts = seq, ts
        if block.last_seq > top and block.msgs:
            top, top_ts = block.last_seq, block.last_ts
        if not block.msgs:
            block.first_seq, block.last_seq = top + 1, top
        store.blocks.append(block)
        if sound and index != indexes[-1]:
            block.unload()  # a store may be larger than the memory
    store.last_seq, store.last_ts = top, top_ts
    store.find_first()
    _finish(store, prior, floor)
    for seq, _ in sorted(tombs):  # so that every block is read back once
        store.unlink(seq)
        store.lost.discard(seq)
    store.drop_front(floor + 1)
    store.lost.discard_below(floor + 1)
    store.dead = True


@dataclass(slots=True)
class _Scanned:
    """A block's file, read. `packed`: its content when it is damaged in its compressed form;
    `holes`: (offset, size) of what is damaged among the records."""

    index: int
    block: Block | None = None  # None: its key does not open
    problem: str = ""
    packed: bytes = b""
    tombs: list[tuple[int, int]] = field(default_factory=list)
    skips: list[tuple[int, int]] = field(default_factory=list)
    holes: list[tuple[int, int]] = field(default_factory=list)


def _read_all(store: FileStore, indexes: list[int]) -> Iterator[_Scanned]:
    """The blocks in order. Other threads are a few ahead: reading files and checking sums goes
    without the interpreter. A disk of a test is asked from here, in order."""
    if not store.disk.native or len(indexes) < 2:
        for index in indexes:
            yield _read(store, index)
        return
    from concurrent.futures import ThreadPoolExecutor

    ahead: deque[Future[_Scanned]] = deque()
    with ThreadPoolExecutor(READERS, "recovery") as readers:
        for index in indexes:
            ahead.append(readers.submit(_read, store, index))
            if len(ahead) > READERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _read(store: FileStore, index: int) -> _Scanned:
    """Changes nothing but the new block: it may run in any thread."""
    try:
        block = store.make_block(index, 1)
    except BadKey as error:
        return _Scanned(index, problem=str(error))
    plain, packed = store.unpack_file(block)
    return _Scanned(index, block, "", packed, *block.scan(plain))


def _set_aside(store: FileStore, scanned: _Scanned) -> None:
    store.problem(f"block {scanned.index} cannot be opened: {scanned.problem}")
    for name in (f"{scanned.index}.blk", f"{scanned.index}.key"):
        store.quarantine(name, store.disk.read(store.folder / name))


def _look_at_damage(store: FileStore, scanned: _Scanned, last: bool) -> None:
    """Tell of a block's damage, keep a copy, and cut off a torn end of the last one."""
    block, holes = scanned.block, scanned.holes
    assert block is not None
    if scanned.packed:
        store.report_packed(block, scanned.packed)
    for offset, size in holes:
        store.problem(f"block {block.index}: {size} bytes at {offset} hold no intact record")
        store.lost_bytes += size
    if holes:
        store.quarantine(f"{block.index}.blk", store.disk.read(store.path_of(block)))
        _name_lost(store, block, holes)
    if holes and last and not block.sealed and sum(holes[-1]) == block.buffered:
        _cut_tail(store, block, holes[-1][0])


def _name_lost(store: FileStore, block: Block, holes: list[tuple[int, int]]) -> None:
    """Sequences missing between the records around a hole are lost until proven deleted."""
    known = store.last_seq
    if store.blocks:
        known = max(known, store.blocks[-1].last_seq)
    for offset, _ in holes:
        before, after = block.around(offset)
        first = max(known, before) + 1
        for gone in range(first, min(after, first + LOST_MAX)):
            store.lost.add(gone)


def _cut_tail(store: FileStore, block: Block, size: int) -> None:
    """Drop a torn end (already in quarantine) so that the block can be appended to."""
    handle = store.disk.open(store.path_of(block))
    try:
        store.disk.truncate(handle, size)
        store.disk.sync(handle)
    finally:
        store.disk.close(handle)
    block.cut(size)


def _finish(store: FileStore, prior: FullState | None, floor: int) -> None:
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
        _name_missing(store, prior, floor)
    for block in store.blocks:
        if block is not store.tail:
            block.unload()
    if not store.msgs:
        store.first_seq = store.last_seq + 1
    if prior is not None and prior.first_seq > store.first_seq and not store.msgs:
        store.first_seq = prior.first_seq


def _within(ranges: list[tuple[int, int]], seq: int) -> bool:
    """Whether one of the ascending ranges (first, last) has the sequence."""
    at = bisect_right(ranges, seq, key=lambda one: one[0])
    return at > 0 and seq <= ranges[at - 1][1]


def _name_missing(store: FileStore, prior: FullState, floor: int) -> None:
    """After damage, the last intact index decides: what it counted as live and no block has is
    lost, and what it counted as deleted stays deleted even if its tombstone is gone."""
    gone = SequenceSet()
    between: list[tuple[int, int]] = []  # blocks: any number of sequences, so not one by one
    expected = 1
    for entry in prior.blocks:
        if entry.first_seq > expected:
            between.append((expected, entry.first_seq - 1))
        for seq in entry.deleted:
            gone.add(seq)
        expected = max(expected, entry.last_seq + 1)
    for block in store.blocks:
        read_again = not block.loaded
        if read_again:
            block.scan(store.read_block(block))
        for seq in block.record_seqs():
            if seq <= prior.last_seq and (seq in gone or _within(between, seq)):
                store.unlink(seq)
        if read_again:
            block.unload()
    for entry in prior.blocks:
        first = max(entry.first_seq, floor + 1)
        for seq in range(first, min(entry.last_seq, first + LOST_MAX) + 1):
            if seq in entry.deleted:
                continue
            at = store.block_at(seq)
            if at < len(store.blocks):
                block = store.blocks[at]
                if block.msgs and block.first_seq <= seq and seq not in block.deleted:
                    continue
            store.lost.add(seq)
