"""Bringing a stream's folder back: from index.db when it fits the data, else from every block.

The only change on disk: a torn end is cut off, after a copy of it was made if any of it may have
been durable.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import SEQ_MAX
from pynats_server.jetstream.store.errors import BadKey, CorruptRecord, Unavailable
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.format.ledger_file import Claim
from pynats_server.jetstream.store.format.purge_note import decode_purges
from pynats_server.jetstream.store.format.subjectlist import subjects_of
from pynats_server.jetstream.store.inventory.expected import Claims, Expected
from pynats_server.jetstream.store.inventory.ledger import PLACE, Ledger
from pynats_server.jetstream.store.inventory.losses import Losses
from pynats_server.jetstream.store.inventory.missing import LossSearch, Scanned
from pynats_server.jetstream.store.inventory.ranges import named, ranges_of, without
from pynats_server.jetstream.store.inventory.unavailable import reason_of

if TYPE_CHECKING:
    from concurrent.futures import Future


READERS = 2  # threads; each holds a block, and as many more wait to be looked at


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

    purges: dict[bytes, int] = field(
        default_factory=dict
    )  # of `notes`: the last sequence, by filter
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


def recover(files: StreamFolder, ledger: Ledger) -> Recovered:
    """Read a stream's folder."""
    losses, saved = files.read_losses(), files.read_index()
    claims: Claims = {}
    try:
        claims = ledger.read()
    except OSError as error:
        files.hold(reason_of(str(PLACE), error))
    files.damaged |= {files.messages / f"{loss.block}.blk" for loss in losses.all if loss.seen}
    fitting = ledger.fitting(claims)
    found: Recovered | None = None
    if saved is not None:
        # A block that this needs and that cannot be read is named when all are looked at.
        with contextlib.suppress(OSError, Unavailable):
            found = apply_index(files, saved, losses, claims, fitting.keys())
    found = found or rebuild(files, saved, losses, claims)
    found.claims = fitting
    found.read_purges()
    return found


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
    _drop_below(index, floor + 1)
    for block in index.blocks[:-1]:
        if block.ttls and not block.loaded:
            try:
                index.load_block(block)
            except Unavailable:  # its messages run out later
                continue
        if block.ttls and block.index < tail.index:
            index.gather_expiries(block)
    top_index = max(index.blocks[-1].index, losses.top_block, *unfit.claims)
    _choose_tail(index, top_index)
    losses.passed(floor)
    found = Recovered(index, top_index, state, floor=floor)
    found.missing = _beyond(index, losses.last_seq, state.last_ts)
    found.notes, found.removed = notes, frozenset(removed)
    return found


def _beyond(index: DiskBlocks, last: int, ts: int) -> tuple[int, int] | None:
    """How far the sequences have been used, if the blocks end before."""
    return (last, max(ts, index.last_ts)) if last > index.last_seq else None


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


def _choose_tail(index: DiskBlocks, top_index: int) -> None:
    """Write on into the last block, unless its form on disk cannot be appended to, or a good file
    may yet take its place."""
    last = index.blocks[-1]
    in_clear = index.files.config.keys is not None and last.cipher is None
    healing = index.losses.doubts(last.index)
    if last.index == top_index and not last.sealed and not in_clear and not healing:
        index.tail = last


def rebuild(
    files: StreamFolder, prior: FullState | None, losses: Losses, claims: Claims
) -> Recovered:
    """Scan every block. `prior` (a stale but intact index) and the ledger's claims vouch for what
    should be there."""
    index = DiskBlocks(files)
    index.losses = losses
    search = LossSearch(index, Expected(prior, claims))
    tombs: list[tuple[int, int]] = []
    used_up: list[int] = []
    known = subjects_of(prior.subjects, prior.lists_last) if prior is not None else None
    numbers = files.block_indexes()
    unreadable: dict[int, OSError] = {}
    found = Recovered(index, max([*numbers, *search.expected.numbers, losses.top_block, 0]), prior)
    top, top_ts, floor = index.last_seq, 0, 0
    for scanned in _read_all(files, numbers):
        block, number = scanned.block, scanned.number
        if scanned.unreadable is not None:
            unreadable[number] = scanned.unreadable
            search.unavailable(number)
            continue
        if block is None:
            _set_aside(files, scanned)
            search.unreadable(number)
            continue
        if search.was_restored(number):
            search.trim(block)
        buried, skipped = scanned.tombs, scanned.skips
        sound = not (scanned.packed or scanned.holes)
        if prior is not None and known is not None and not search.was_restored(number):
            strangers = block.drop_strangers(known, prior.last_seq)
            odd = list(ranges_of(sorted(set(strangers) - {seq for seq, _ in tombs})))
            odd = without(odd, search.expected.gone(number, odd))
            if odd:
                files.problem(f"block {number}: records {named(odd, 20)} carry unknown subjects")
            sound = sound and not strangers
            ends = number == prior.tail_index and prior.tail_sum != bytes(8)
            if ends and prior.tail_sum not in block.content():
                files.problem(f"block {number} ends before the last record the index knows")
                search.was_longer(number)
            elif number > prior.tail_index or (ends and block.last_sum() != prior.tail_sum):
                search.was_outdated()
        tombs += buried
        floor = max(floor, block.floor)
        found.notes += block.notes
        used_up += (seq for seq, _ in skipped)
        before = max(index.last_seq, index.blocks[-1].last_seq if index.blocks else 0)
        index.adopt(block, top)
        search.look(scanned, block, number == numbers[-1], before)
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
    _finish(found)
    removed = [seq for seq, _ in tombs]
    for seq in sorted({*removed, *search.gone(floor)}):  # so that every block is read back once
        index.unlink(seq)
    _drop_below(index, floor + 1)
    search.finish(floor, [*removed, *used_up])
    index.leave_gaps(unreadable, floor)
    if index.blocks:
        _choose_tail(index, found.top_index)
        if index.tail is None:
            index.blocks[-1].unload()
    found.missing = _beyond(index, max(search.expected.last_seq, losses.last_seq), top_ts)
    found.floor = floor
    if found.notes:
        found.removed = frozenset([*used_up, *removed])
    return found


def _read_all(files: StreamFolder, numbers: list[int]) -> Iterator[Scanned]:
    """The blocks in order. Other threads are a few ahead: reading files and checking sums goes
    without the interpreter. A disk of a test is asked from here, in order."""
    if not files.disk.native or len(numbers) < 2:
        for number in numbers:
            yield _read(files, number)
        return
    from concurrent.futures import ThreadPoolExecutor

    ahead: deque[Future[Scanned]] = deque()
    with ThreadPoolExecutor(READERS, "recovery") as readers:
        for number in numbers:
            ahead.append(readers.submit(_read, files, number))
            if len(ahead) > READERS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _read(files: StreamFolder, number: int) -> Scanned:
    """Changes nothing but the new block: it may run in any thread."""
    try:
        block = files.make_block(number, 1)
    except BadKey as error:
        if not files.sure_of_key:
            return Scanned(number, unreadable=OSError(str(error)))
        return Scanned(number, problem=str(error))
    try:
        plain, packed = files.unpack_file(block)
    except OSError as error:
        return Scanned(number, unreadable=error)
    return Scanned(number, block, "", packed, *block.scan(plain))


def _set_aside(files: StreamFolder, scanned: Scanned) -> None:
    files.problem(f"block {scanned.number} cannot be opened: {scanned.problem}")
    for name in (f"{scanned.number}.blk", f"{scanned.number}.key"):
        with contextlib.suppress(OSError):  # it stays where it is
            files.quarantine(name, files.disk.read(files.messages / name))


def _finish(found: Recovered) -> None:
    index, prior = found.blocks, found.saved
    if index.blocks:
        last = index.blocks[-1]
        if last.msgs and last.last_seq < index.last_seq:
            last.deleted.add_range(last.last_seq + 1, index.last_seq)
            last.last_seq, last.last_ts = index.last_seq, index.last_ts
    for block in index.blocks[:-1]:
        block.unload()
    if not index.msgs:
        index.first_seq = index.last_seq + 1
    if prior is not None and prior.first_seq > index.first_seq and not index.msgs:
        index.first_seq = prior.first_seq


def _drop_below(index: DiskBlocks, seq: int) -> None:
    while index.drop_front(seq, SEQ_MAX):
        pass
