"""From index.db and what was written after it: without a look into most blocks."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.errors import BadKey, CorruptRecord, Unavailable
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.starting.found import (
    Recovered,
    beyond,
    choose_tail,
    drop_below,
)
from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.inventory.expected import Claims, Expected
from pynats_server.jetstream.store.inventory.losses import Losses
from pynats_server.jetstream.store.inventory.ranges import without


def apply_index(
    files: StreamFolder, state: FullState, losses: Losses, claims: Claims, fitting: Set[int]
) -> Recovered | None:
    """A saved state and what was written after it; None when the files are not the ones it speaks
    of, or damaged where this looks, or have again what was lost (every block is scanned then)."""
    on_disk = files.block_indexes()
    if not _fits(state, on_disk) or any(
        files.digest(loss.block) != loss.seen for loss in losses.first_of_blocks()
    ):
        return None
    try:
        return _apply(files, state, losses, on_disk, Unfit(state, claims, fitting))
    except (BadKey, CorruptRecord, ValueError):
        return None


@dataclass(slots=True)
class Unfit:
    """The blocks whose files are not as the ledger says."""

    state: FullState
    claims: Claims
    fitting: Set[int]

    def matter(self, on_disk: list[int], gone: int) -> bool:
        """Whether one of them has changed, or is missing and had more than what is `gone`."""
        for number, claim in self.claims.items():
            if claim is None or number in self.fitting:
                continue
            if number in on_disk:
                return True
            if claim.last > gone:
                left = Expected(self.state, self.claims).of(number)
                if without(left, [(0, gone)]):
                    return True
        return False


def _apply(
    files: StreamFolder, state: FullState, losses: Losses, on_disk: list[int], unfit: Unfit
) -> Recovered | None:
    blocks = _listed_blocks(files, state, on_disk)
    tail = blocks[-1]
    _, _, holes = tail.scan(files.read_block(tail))
    end = 0 if state.tail_sum == bytes(8) else tail.holds(state.tail_sum)
    if holes or (not end and state.tail_sum != bytes(8)):
        return None
    newer = [_newer_block(files, index) for index in on_disk if index > state.tail_index]
    read = [tail, *newer]  # for now: buffers go when others are read
    floor = max(block.floor for block in read)
    notes = [note for block in read for note in block.notes]
    removed = [seq for b in read if notes for seq, _ in (*b.tombstones(), *b.skips())]
    if unfit.matter(on_disk, max(floor, state.first_seq - 1)):
        return None
    index = _index_of(files, state, blocks)
    index.losses, index.strict = losses, True
    if any(index.is_live(loss.first) or index.is_live(loss.last) for loss in losses.all):
        return None  # it is from before they were lost
    if index.strangers(tail) or not _replay(index, tail, end, newer):
        return None
    drop_below(index, floor + 1)
    for block in index.blocks[:-1]:
        if block.ttls and not block.loaded:
            try:
                index.load_block(block)
            except Unavailable:  # its messages run out later
                continue
        if block.ttls and block.index < tail.index:
            index.gather_expiries(block)
    top_index = max(index.blocks[-1].index, losses.top_block, *unfit.claims)
    choose_tail(index, top_index)
    losses.passed(floor)
    found = Recovered(index, top_index, state, floor=floor)
    found.missing = beyond(index, losses.last_seq, state.last_ts)
    found.notes, found.removed = notes, frozenset(removed)
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
    for seq, _ in tombs:
        index.unlink(seq)  # CorruptRecord where a message was erased: its subject is not known
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
