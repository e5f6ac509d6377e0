"""From every block: where index.db is missing, damaged, or not as the files are."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.file.starting.found import (
    Recovered,
    beyond,
    choose_tail,
    drop_below,
)
from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.format.subjectlist import subjects_of
from pynats_server.jetstream.store.inventory.expected import Claims, Expected
from pynats_server.jetstream.store.inventory.losses import Losses
from pynats_server.jetstream.store.inventory.missing import LossSearch, Scanned
from pynats_server.jetstream.store.inventory.ranges import named, ranges_of, without
from pynats_server.jetstream.store.subjects import SubjectTree

if TYPE_CHECKING:
    from concurrent.futures import Future

READERS = 2  # threads; each holds a block, and as many more wait to be looked at


def rebuild(
    files: StreamFolder, prior: FullState | None, losses: Losses, claims: Claims
) -> Recovered:
    """Scan every block. `prior` (a stale but intact index) and the ledger's claims vouch for what
    should be there."""
    whole = _Rebuilding(files, prior, losses, claims)
    for scanned in _read_all(files, whole.numbers):
        whole.take(scanned)
    return whole.finish()


class _Rebuilding:
    """The index over the blocks taken so far, in the order of their numbers."""

    def __init__(
        self, files: StreamFolder, prior: FullState | None, losses: Losses, claims: Claims
    ) -> None:
        self.numbers = files.block_indexes()
        self._files = files
        self._losses = losses
        self._index = index = DiskBlocks(files)
        index.losses = losses
        self._search = LossSearch(index, Expected(prior, claims))
        self._known: SubjectTree | None = None
        if prior is not None:
            self._known = subjects_of(prior.subjects, prior.lists_last)
        highest = max([*self.numbers, *self._search.expected.numbers, losses.top_block, 0])
        self._found = Recovered(index, highest, prior)
        self._top, self._top_ts = index.last_seq, 0  # how far sequences have been used
        self._floor = 0
        self._tombs: list[tuple[int, int]] = []
        self._used_up: list[int] = []
        self._unreadable: dict[int, OSError] = {}

    def take(self, scanned: Scanned) -> None:
        """The next block."""
        block, number = scanned.block, scanned.number
        if scanned.unreadable is not None:
            self._unreadable[number] = scanned.unreadable
            self._search.unavailable(number)
        elif block is None:
            _set_aside(self._files, scanned)
            self._search.unreadable(number)
        else:
            sound = not (scanned.packed or scanned.holes)
            if self._search.was_restored(number):
                self._search.trim(block)
            elif self._has_strangers(block):
                sound = False
            self._adopt(scanned, block)
            if sound and number != self.numbers[-1]:
                block.unload()  # a store may be larger than the memory

    def _has_strangers(self, block: Block) -> bool:
        """Whether it had records whose subjects the index does not know, which are left out. Notes
        where a block is not as the index says."""
        prior, number = self._found.saved, block.index
        if prior is None or self._known is None:
            return False
        strangers = block.drop_strangers(self._known, prior.last_seq)
        odd = list(ranges_of(sorted(set(strangers) - {seq for seq, _ in self._tombs})))
        odd = without(odd, self._search.expected.gone(number, odd))
        if odd:
            self._files.problem(f"block {number}: records {named(odd, 20)} carry unknown subjects")
        ends = number == prior.tail_index and prior.tail_sum != bytes(8)
        if ends and prior.tail_sum not in block.content():
            self._files.problem(f"block {number} ends before the last record the index knows")
            self._search.was_longer(number)
        elif number > prior.tail_index or (ends and block.last_sum() != prior.tail_sum):
            self._search.was_outdated()
        return bool(strangers)

    def _adopt(self, scanned: Scanned, block: Block) -> None:
        index, newest = self._index, block.index == self.numbers[-1]
        self._tombs += scanned.tombs
        self._used_up += (seq for seq, _ in scanned.skips)
        self._floor = max(self._floor, block.floor)
        self._found.notes += block.notes
        before = max(index.last_seq, index.blocks[-1].last_seq if index.blocks else 0)
        index.adopt(block, self._top)
        self._search.look(scanned, block, newest, before)
        used = [*scanned.tombs, *scanned.skips, (block.floor, 0)]
        if block.msgs:
            used.append((block.last_seq, block.last_ts))
        for seq, ts in used:
            if seq > self._top:
                self._top, self._top_ts = seq, ts
        if not block.msgs:
            block.first_seq, block.last_seq = self._top + 1, self._top
        index.blocks.append(block)

    def finish(self) -> Recovered:
        """All blocks have been taken."""
        index, found, search = self._index, self._found, self._search
        index.last_seq, index.last_ts = self._top, self._top_ts
        index.find_first()
        self._close_ends()
        removed = [seq for seq, _ in self._tombs]
        # In order, so that every block is read back once.
        for seq in sorted({*removed, *search.gone(self._floor)}):
            index.unlink(seq)
        drop_below(index, self._floor + 1)
        search.finish(self._floor, [*removed, *self._used_up])
        index.leave_gaps(self._unreadable, self._floor)
        if index.blocks:
            choose_tail(index, found.top_index)
            if index.tail is None:
                index.blocks[-1].unload()
        known = max(search.expected.last_seq, self._losses.last_seq)
        found.missing = beyond(index, known, self._top_ts)
        found.floor = self._floor
        if found.notes:
            found.removed = frozenset([*self._used_up, *removed])
        return found

    def _close_ends(self) -> None:
        """The last block reaches to the last sequence; where nothing lives, nothing is first."""
        index, prior = self._index, self._found.saved
        if index.blocks:
            last = index.blocks[-1]
            if last.msgs and last.last_seq < index.last_seq:
                last.deleted.add_range(last.last_seq + 1, index.last_seq)
                last.last_seq, last.last_ts = index.last_seq, index.last_ts
        for block in index.blocks[:-1]:
            block.unload()
        if not index.msgs:
            index.first_seq = index.last_seq + 1
            if prior is not None and prior.first_seq > index.first_seq:
                index.first_seq = prior.first_seq


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
