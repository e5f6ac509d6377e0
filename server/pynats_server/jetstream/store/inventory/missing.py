"""What the blocks of a folder lack, while all of them are read: damage, and messages that must be
there and are not.

Nothing is called lost that something knows as removed: a tombstone, a floor, a mark of sequences
that were used up, index.db, the ledger.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.file.diskblocks import DiskBlocks
from pynats_server.jetstream.store.inventory.expected import Expected
from pynats_server.jetstream.store.inventory.losses import NAMED_MAX, Loss
from pynats_server.jetstream.store.inventory.ranges import (
    Range,
    count,
    live_ranges,
    named,
    ranges_of,
    within,
    without,
)
from pynats_server.jetstream.store.seqset import SequenceSet


@dataclass(slots=True)
class Scanned:
    """A block's file, read. `packed`: its content when it is damaged in its compressed form;
    `holes`: (offset, size) of what is damaged among the records."""

    number: int
    block: Block | None = None  # None: its key does not open
    problem: str = ""
    packed: bytes = b""
    tombs: list[tuple[int, int]] = field(default_factory=list)
    skips: list[tuple[int, int]] = field(default_factory=list)
    holes: list[tuple[int, int]] = field(default_factory=list)
    unreadable: OSError | None = None  # instead of the rest


@dataclass(slots=True)
class _Lack:
    """What a block lacks, before it is known what was removed, and about how many bytes it is."""

    number: int
    how: str
    ranges: list[Range]
    nbytes: int
    evident: bool  # its file is damaged


class LossSearch:
    """Looks at one block after the other, and tells in the end what is lost."""

    def __init__(self, index: DiskBlocks, expected: Expected) -> None:
        self.expected = expected
        self._outdated = False
        self._index = index
        self._files = index.files
        self._losses = index.losses
        self._lacks: list[_Lack] = []
        self._gone: list[Range] = []
        self._looked_at: set[int] = set()
        self._shorter: set[int] = set()
        self._digests: dict[int, str] = {}  # of the blocks that have lost something before

    def was_restored(self, number: int) -> bool:
        """Whether a block that had lost messages has another content now."""
        seen = [loss.seen for loss in self._losses.all if loss.block == number]
        if not seen:
            return False
        if number not in self._digests:
            self._digests[number] = self._files.digest(number)
        return self._digests[number] not in seen

    def trim(self, block: Block) -> None:
        """Ignore what a restored block has beyond its place: when it was missing, nobody knew how
        far it went, and others got the sequences."""
        behind = self.expected.first_behind(block.index)
        for seq in block.record_seqs() if behind else ():
            span = block.record_span(seq)
            if seq >= behind and span is not None:
                block.cut(span[0])
                return

    def was_outdated(self) -> None:
        """Something was written behind what index.db knows. nats-server may have removed or
        compacted blocks since then, and notes neither; so without a ledger only damage tells of
        losses."""
        self._outdated = not self.expected.vouched

    def was_longer(self, number: int) -> None:
        """A block ends before what index.db knows of it."""
        self._shorter.add(number)

    def unreadable(self, number: int) -> None:
        """A block has no key that opens it."""
        self._lack(number, "cannot be opened", self.expected.of(number), evident=True)

    def unavailable(self, number: int) -> None:
        """A block cannot be read now: what is in it is not lost."""
        self._looked_at.add(number)

    def look(self, scanned: Scanned, block: Block, newest: bool, before: int) -> None:
        """Look at a block, whose records have been counted. `before`: the highest sequence of the
        blocks before it. A torn end of the newest one is cut off."""
        number = block.index
        self._looked_at.add(number)
        present = live_ranges(block.first_seq, block.last_seq, block.deleted) if block.msgs else []
        gone = self.expected.gone(number, present)
        if number in {loss.block for loss in self._losses.all}:
            ours = [(one.first, one.last) for one in self._losses.all]
            gone = without(gone, ours)
            if not self.was_restored(number):
                gone = sorted([*gone, *within(present, ours)])
        self._gone += gone
        missing = without(self.expected.of(number), present)
        holes = scanned.holes
        at_end = bool(holes) and sum(holes[-1]) == block.buffered
        if newest and at_end and not block.sealed and not scanned.packed:
            durable = missing or number in self._shorter or number in self._digests
            self._cut(block, holes, bool(durable))
            if not durable:
                holes = holes[:-1]
        elif scanned.packed or holes:
            self._keep(block, scanned.packed, holes)
        for offset, _ in holes:
            missing = _joined(missing, self._between(block, offset, before))
        how = "damaged" if scanned.packed or holes or scanned.number in self._shorter else "cut"
        how = how if block.buffered else "empty"
        self._lack(number, how, missing, block, evident=how != "cut")
        if not (block.buffered or newest or self.expected.numbers):
            self._files.remark(f"{number}.blk is empty, and nothing tells what it had")

    def _keep(self, block: Block, packed: bytes, holes: list[tuple[int, int]]) -> None:
        """Report a block's damage and keep a copy, unless that was done at an earlier start."""
        if packed or holes:
            self._files.damaged.add(self._files.path_of(block))
            self._files.damage[block.index] = len(packed) or sum(size for _, size in holes)
        if self._is_known(block.index):
            return
        if packed:
            self._files.report_packed(block, packed)
        for offset, size in holes:
            self._files.remark(
                f"block {block.index}: {size} bytes at {offset} hold no intact record"
            )
        if holes:
            path = self._files.path_of(block)
            self._files.quarantine(path.name, self._files.disk.read(path))

    def _is_known(self, number: int) -> bool:
        lost = any(loss.block == number for loss in self._losses.all)
        return lost and not self.was_restored(number)

    def _cut(self, block: Block, holes: list[tuple[int, int]], durable: bool) -> None:
        """Cut off what the newest block ends with. If it was never durable, nobody has been told
        that it is stored, so nothing is lost."""
        offset, size = holes[-1]
        self._keep(block, b"", holes if durable else holes[:-1])
        if len(holes) == 1:
            self._files.damaged.discard(self._files.path_of(block))  # after the cut it is whole
        if not durable:
            self._files.remark(
                f"block {block.index}: the last {size} bytes were being written when the server "
                "stopped; nothing in them had been acknowledged"
            )
        self._files.cut(block, offset)

    def _between(self, block: Block, offset: int, before: int) -> list[Range]:
        """The sequences that must have been in a hole, where nothing else tells."""
        earlier, after = block.around(offset)
        first = max(before, earlier, self.expected.known_to(block.index)) + 1
        return [(first, after - 1)] if first < after else []

    def _lack(
        self,
        number: int,
        how: str,
        ranges: list[Range],
        block: Block | None = None,
        evident: bool = False,
    ) -> None:
        if ranges:
            nbytes = self.expected.nbytes(number) - (block.nbytes if block is not None else 0)
            self._lacks.append(_Lack(number, how, ranges, max(0, nbytes), evident))
        self._looked_at.add(number)

    def gone(self, floor: int) -> list[int]:
        """Messages above the floor that were removed, though no tombstone tells it."""
        ranges = without(sorted(self._gone), [(0, floor)])
        return [seq for first, last in ranges for seq in range(first, last + 1)]

    def finish(self, floor: int, removed: list[int]) -> None:
        """All blocks have been looked at, and what tombstones and floors tell is done; `removed`
        are the sequences that tombstones and marks name."""
        for number in sorted(self.expected.numbers - self._looked_at):
            self._lack(number, "missing", self.expected.of(number))
        losses, files = self._losses, self._files
        if losses.all:
            live = (live_ranges(b.first_seq, b.last_seq, b.deleted) for b in self._index.blocks)
            back = losses.found(one for ranges in live for one in ranges)
            if back:
                files.remark(f"found again: {named(back, NAMED_MAX)}")
        if self._lacks:
            told = SequenceSet()
            for seq in removed:
                told.add(seq)
            for lack in self._lacks:
                if lack.evident or not self._outdated:
                    self._lose(lack, floor, told)
        losses.passed(floor)
        for number, digest in self._digests.items():
            losses.seen(number, digest)

    def _lose(self, lack: _Lack, floor: int, told: SequenceSet) -> None:
        lowest, highest = lack.ranges[0][0], lack.ranges[-1][1]
        ranges = without(lack.ranges, ranges_of(told.between(lowest, highest)))
        ranges = without(ranges, [(0, floor)])
        if not ranges:
            return
        digest, now = self._files.digest(lack.number), time.time_ns()
        reason = (
            f"{lack.number}.blk is {lack.how}"
            if " " not in lack.how
            else (f"{lack.number}.blk {lack.how}")
        )
        share = lack.nbytes // max(1, count(lack.ranges))
        self._losses.add(
            Loss(first, last, lack.number, reason, now, share * (last + 1 - first), seen=digest)
            for first, last in ranges
        )


def _joined(one: list[Range], other: list[Range]) -> list[Range]:
    return sorted([*one, *without(other, one)])
