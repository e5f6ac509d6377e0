"""Bringing a stream's folder back: from index.db when it fits the data, else from every block.

The only change on disk: a torn end is cut off, after a copy of it was made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import SEQ_MAX
from pynats_server.jetstream.store.errors import BadKey, CorruptRecord
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.format.subjectlist import subjects_of
from pynats_server.jetstream.store.seqset import SequenceSet

if TYPE_CHECKING:
    from concurrent.futures import Future


READERS = 2  # threads; each holds a block, and as many more wait to be looked at
LOST_MAX = 1_000_000  # sequences named one by one in one damaged range


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

    def has_removed(self, seq: int) -> bool:
        """Whether a message that is not there was removed, not lost."""
        known = self.saved.last_seq if self.saved is not None else 0
        return seq <= max(known, self.floor) or seq in self.removed


def recover(files: StreamFolder) -> Recovered:
    """Read a stream's folder."""
    saved = files.read_index()
    found = apply_index(files, saved) if saved is not None else None
    return found or rebuild(files, saved)


def apply_index(files: StreamFolder, state: FullState) -> Recovered | None:
    """A saved state and what was written after it; None when the files are not the ones it speaks
    of, or damaged where this looks (every block is scanned then)."""
    on_disk = files.block_indexes()
    if not _fits(state, on_disk):
        return None
    try:
        blocks = _listed_blocks(files, state, on_disk)
        tail = blocks[-1]
        _, _, holes = tail.scan(files.read_block(tail))
        end = 0 if state.tail_sum == bytes(8) else tail.holds(state.tail_sum)
        if holes or (not end and state.tail_sum != bytes(8)):
            return None
        newer = [_newer_block(files, index) for index in on_disk if index > state.tail_index]
    except (BadKey, ValueError):
        return None
    floor = max(block.floor for block in [tail, *newer])
    index = _index_of(files, state, blocks)
    if index.strangers(tail) or not _replay(index, tail, end, newer):
        return None
    _drop_below(index, floor + 1)
    for block in index.blocks[:-1]:
        if block.ttls and not block.loaded:
            index.load_block(block)
        if block.ttls and block.index < tail.index:
            index.gather_expiries(block)
    top_index = index.blocks[-1].index
    _choose_tail(index, top_index)
    found = Recovered(index, top_index, state, floor=floor)
    for block in (tail, *newer):
        found.notes += block.notes
    if found.notes:
        told = [seq for b in (tail, *newer) for seq, _ in [*b.tombstones(), *b.skips()]]
        found.removed = frozenset(told)
    return found


def _fits(state: FullState, on_disk: list[int]) -> bool:
    if not state.blocks or not on_disk or state.blocks[-1].index != state.tail_index:
        return False
    if not {entry.index for entry in state.blocks} <= set(on_disk):
        return False  # also when limits dropped a block since: its subjects are not known
    return sum(entry.msgs for entry in state.blocks) == state.msgs


def _listed_blocks(files: StreamFolder, state: FullState, on_disk: list[int]) -> list[Block]:
    """The state's blocks, and in between the ones it left out because nothing lived in them;
    they may hold tombstones, and go once the front has passed them."""
    entries = {entry.index: entry for entry in state.blocks}
    blocks: list[Block] = []
    for index in sorted({*entries, *(i for i in on_disk if i < state.tail_index)}):
        entry = entries.get(index)
        last = blocks[-1].last_seq if blocks else state.blocks[0].first_seq - 1
        block = files.make_block(index, entry.first_seq if entry else last + 1)
        if entry is None:
            block.last_seq, block.grave = last, True
        else:
            block.first_ts, block.last_ts = entry.first_ts, entry.last_ts
            block.last_seq, block.nbytes = entry.last_seq, entry.nbytes
            block.msgs, block.deleted = entry.msgs, entry.deleted
            block.ttls, block.schedules = entry.ttls, entry.schedules
        if index != state.tail_index:
            block.base = 0  # not known before it is read
            block.unload()
        blocks.append(block)
    return blocks


def _newer_block(files: StreamFolder, index: int) -> Block:
    block = files.make_block(index, 1)
    _, _, holes = block.scan(files.read_block(block))
    if holes:
        raise ValueError(f"block {index} is damaged")
    return block


def _index_of(files: StreamFolder, state: FullState, blocks: list[Block]) -> DiskBlocks:
    index = DiskBlocks(files)
    index.blocks = blocks
    index.msgs, index.nbytes = state.msgs, state.nbytes
    index.first_seq, index.first_ts = state.first_seq, state.first_ts
    index.last_seq, index.last_ts = state.last_seq, state.last_ts
    index.take_subjects(state.subjects, state.lists_last)
    return index


def _replay(index: DiskBlocks, tail: Block, end: int, newer: list[Block]) -> bool:
    """Apply what the blocks say beyond the saved state: appends, skips, tombstones."""
    tombs = tail.tombstones(end)
    skips = tail.skips(end)
    if tail.ttls:
        index.gather_expiries(tail)
    index.extend(tail)
    for block in newer:
        top = max([index.last_seq, *(seq for seq, _ in skips)])
        index.adopt(block, top)
        index.blocks.append(block)
        tombs += block.tombstones()
        skips += block.skips(0)
    last = max([(index.last_seq, index.last_ts), *skips, *tombs])
    if last[0] > index.last_seq:
        _reach(index, *last)
    try:
        for seq, _ in tombs:
            index.unlink(seq)
    except CorruptRecord:
        return False
    index.find_first()
    return True


def _reach(index: DiskBlocks, seq: int, ts: int) -> None:
    """Move the last sequence on: those up to `seq` are used up, though no message has them."""
    last = index.blocks[-1]
    if last.msgs and last.last_seq < seq:
        last.deleted.add_range(last.last_seq + 1, seq)
        last.last_seq, last.last_ts = seq, ts
    elif not last.msgs:
        last.first_seq, last.last_seq = seq + 1, seq
    index.last_seq, index.last_ts = seq, ts


def _choose_tail(index: DiskBlocks, top_index: int) -> None:
    """Write on into the last block, unless its form on disk cannot be appended to."""
    last = index.blocks[-1]
    in_clear = index.files.config.keys is not None and last.cipher is None
    if last.index == top_index and not last.sealed and not in_clear:
        index.tail = last


def rebuild(files: StreamFolder, prior: FullState | None) -> Recovered:
    """Scan every block. `prior` (a stale but intact index) vouches for what should be there."""
    index = DiskBlocks(files)
    tombs: list[tuple[int, int]] = []
    used_up: list[int] = []
    known = subjects_of(prior.subjects, prior.lists_last) if prior is not None else None
    numbers = files.block_indexes()
    found = Recovered(index, max(numbers, default=0), prior)
    top, top_ts, floor = index.last_seq, 0, 0
    for scanned in _read_all(files, numbers):
        block, number = scanned.block, scanned.number
        if block is None:
            _set_aside(files, scanned)
            continue
        _look_at_damage(index, scanned, number == numbers[-1])
        buried, skipped = scanned.tombs, scanned.skips
        sound = not (scanned.packed or scanned.holes)
        if prior is not None and known is not None:
            strangers = block.drop_strangers(known, prior.last_seq)
            if set(strangers) - {seq for seq, _ in tombs}:
                files.problem(f"block {number}: records {strangers[:20]} carry unknown subjects")
            sound = sound and not strangers
            ends = number == prior.tail_index and prior.tail_sum != bytes(8)
            if ends and prior.tail_sum not in block.content():
                files.problem(f"block {number} ends before the last record the index knows")
        tombs += buried
        floor = max(floor, block.floor)
        found.notes += block.notes
        used_up += (seq for seq, _ in skipped)
        index.adopt(block, top)
        for seq, ts in [*buried, *skipped, (block.floor, 0)]:
            if seq > top:
                top, top_ts = seq, ts
        if block.last_seq > top and block.msgs:
            top, top_ts = block.last_seq, block.last_ts
        if not block.msgs:
            block.first_seq, block.last_seq = top + 1, top
        index.blocks.append(block)
        if sound and number != numbers[-1]:
            block.unload()  # a store may be larger than the memory
    index.last_seq, index.last_ts = top, top_ts
    index.find_first()
    _finish(found, floor)
    for seq, _ in sorted(tombs):  # so that every block is read back once
        index.unlink(seq)
        index.lost.discard(seq)
    _drop_below(index, floor + 1)
    index.lost.discard_below(floor + 1)
    found.floor = floor
    if found.notes:
        found.removed = frozenset([*used_up, *(seq for seq, _ in tombs)])
    return found


@dataclass(slots=True)
class _Scanned:
    """A block's file, read. `packed`: its content when it is damaged in its compressed form;
    `holes`: (offset, size) of what is damaged among the records."""

    number: int
    block: Block | None = None  # None: its key does not open
    problem: str = ""
    packed: bytes = b""
    tombs: list[tuple[int, int]] = field(default_factory=list)
    skips: list[tuple[int, int]] = field(default_factory=list)
    holes: list[tuple[int, int]] = field(default_factory=list)


def _read_all(files: StreamFolder, numbers: list[int]) -> Iterator[_Scanned]:
    """The blocks in order. Other threads are a few ahead: reading files and checking sums goes
    without the interpreter. A disk of a test is asked from here, in order."""
    if not files.disk.native or len(numbers) < 2:
        for number in numbers:
            yield _read(files, number)
        return
    from concurrent.futures import ThreadPoolExecutor

    ahead: deque[Future[_Scanned]] = deque()
    with ThreadPoolExecutor(READERS, "recovery") as readers:
        for number in numbers:
            ahead.append(readers.submit(_read, files, number))
            if len(ahead) > READERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _read(files: StreamFolder, number: int) -> _Scanned:
    """Changes nothing but the new block: it may run in any thread."""
    try:
        block = files.make_block(number, 1)
    except BadKey as error:
        return _Scanned(number, problem=str(error))
    plain, packed = files.unpack_file(block)
    return _Scanned(number, block, "", packed, *block.scan(plain))


def _set_aside(files: StreamFolder, scanned: _Scanned) -> None:
    files.problem(f"block {scanned.number} cannot be opened: {scanned.problem}")
    for name in (f"{scanned.number}.blk", f"{scanned.number}.key"):
        files.quarantine(name, files.disk.read(files.messages / name))


def _look_at_damage(index: DiskBlocks, scanned: _Scanned, last: bool) -> None:
    """Report a block's damage, keep a copy, and cut off a torn end of the last one."""
    block, holes, files = scanned.block, scanned.holes, index.files
    assert block is not None
    if scanned.packed:
        files.report_packed(block, scanned.packed)
    for offset, size in holes:
        files.problem(f"block {block.index}: {size} bytes at {offset} hold no intact record")
        index.lost_bytes += size
    if holes:
        files.quarantine(f"{block.index}.blk", files.disk.read(files.path_of(block)))
        _name_lost(index, block, holes)
    if holes and last and not block.sealed and sum(holes[-1]) == block.buffered:
        files.cut(block, holes[-1][0])


def _name_lost(index: DiskBlocks, block: Block, holes: list[tuple[int, int]]) -> None:
    """Sequences missing between the records around a hole are lost until proven deleted."""
    known = index.last_seq
    if index.blocks:
        known = max(known, index.blocks[-1].last_seq)
    for offset, _ in holes:
        before, after = block.around(offset)
        first = max(known, before) + 1
        for gone in range(first, min(after, first + LOST_MAX)):
            index.lost.add(gone)


def _finish(found: Recovered, floor: int) -> None:
    index, prior = found.blocks, found.saved
    if index.blocks:
        _choose_tail(index, found.top_index)
        last = index.blocks[-1]
        if last.msgs and last.last_seq < index.last_seq:
            last.deleted.add_range(last.last_seq + 1, index.last_seq)
            last.last_seq, last.last_ts = index.last_seq, index.last_ts
    if prior is not None and prior.last_seq > index.last_seq:
        for seq in range(index.last_seq + 1, min(prior.last_seq, index.last_seq + LOST_MAX) + 1):
            index.lost.add(seq)
        index.files.problem(f"sequences {index.last_seq + 1}..{prior.last_seq} are missing")
        found.missing = prior.last_seq, prior.last_ts
    if prior is not None and index.files.problems:
        _name_missing(index, prior, floor)
    for block in index.blocks:
        if block is not index.tail:
            block.unload()
    if not index.msgs:
        index.first_seq = index.last_seq + 1
    if prior is not None and prior.first_seq > index.first_seq and not index.msgs:
        index.first_seq = prior.first_seq


def _drop_below(index: DiskBlocks, seq: int) -> None:
    while index.drop_front(seq, SEQ_MAX):
        pass


def _within(ranges: list[tuple[int, int]], seq: int) -> bool:
    """Whether one of the ascending ranges (first, last) has the sequence."""
    at = bisect_right(ranges, seq, key=lambda one: one[0])
    return at > 0 and seq <= ranges[at - 1][1]


def _name_missing(index: DiskBlocks, prior: FullState, floor: int) -> None:
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
    for block in index.blocks:
        read_again = not block.loaded
        if read_again:
            block.scan(index.files.read_block(block))
        for seq in block.record_seqs():
            if seq <= prior.last_seq and (seq in gone or _within(between, seq)):
                index.unlink(seq)
        if read_again:
            block.unload()
    for entry in prior.blocks:
        first = max(entry.first_seq, floor + 1)
        for seq in range(first, min(entry.last_seq, first + LOST_MAX) + 1):
            if seq in entry.deleted:
                continue
            at = index.block_at(seq)
            if at < len(index.blocks):
                block = index.blocks[at]
                if block.msgs and block.first_seq <= seq and seq not in block.deleted:
                    continue
            index.lost.add(seq)
