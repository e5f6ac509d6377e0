"""What an operator decides about damage: to know of a loss, or to take back what was put aside.

A block is taken back from the quarantine only where that can hide nothing: all that the block's
present file tells is in the other one, too, and what that has beyond it is lost.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pynats_server.jetstream.inspection.places import InspectionError
from pynats_server.jetstream.inspection.reading import Look, quarantined
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import U64_MAX
from pynats_server.jetstream.store.errors import BadKey
from pynats_server.jetstream.store.file.folder import StreamFolder
from pynats_server.jetstream.store.format.blockfile import unpack_block
from pynats_server.jetstream.store.inventory.losses import write_losses
from pynats_server.jetstream.store.inventory.names import block_number
from pynats_server.jetstream.store.inventory.ranges import Range, ranges_of
from pynats_server.jetstream.store.seqset import SequenceSet

_KEPT: Final = re.compile(r"(.+\.blk)\.[0-9a-f]{16}")


def acknowledge(look: Look, now_ns: int) -> list[Range]:
    """Notes that the losses of a stream are known; returns them. Raises OSError."""
    if look.found is None or look.files is None:
        return []
    losses = look.found.losses
    told = losses.acknowledge(0, U64_MAX, now_ns)
    if told:
        write_losses(look.place.folder, losses.encoded(), look.files.disk)
    return told


def restore(look: Look) -> Iterator[str]:
    """Puts blocks of the quarantine back where their messages are lost; tells what was done, and
    what was not and why. Raises OSError."""
    files, found = look.files, look.found
    if files is None or found is None or not found.losses.all:
        return
    lost = SequenceSet()
    for loss in found.losses.all:
        lost.add_range(loss.first, loss.last)
    removed, floor = _removed(files)
    for name in quarantined(files):
        match = _KEPT.fullmatch(name)
        number = block_number(match[1]) if match is not None else None
        if number is None:
            continue
        try:
            back = _put_back(files, number, name, lost, lambda seq: seq <= floor or seq in removed)
        except InspectionError as error:
            yield f"{name}: {error}"
            continue
        if back:
            for first, last in back:
                yield f"{name}: is {number}.blk again, with sequences {first}-{last}"
                lost = _without(lost, first, last)


def _removed(files: StreamFolder) -> tuple[set[int], int]:
    """What the blocks tell of removals: single messages, and up to where all have gone."""
    removed: set[int] = set()
    floor = 0
    for number in files.block_indexes():
        with contextlib.suppress(OSError, BadKey):
            data = files.disk.read(files.messages / f"{number}.blk")
            block = _scanned(files, number, data)
            removed.update(seq for seq, _ in block.tombstones())
            floor = max(floor, block.floor)
    return removed, floor


def _put_back(
    files: StreamFolder,
    number: int,
    name: str,
    lost: SequenceSet,
    was_removed: Callable[[int], bool],
) -> list[Range]:
    """What comes back. Raises InspectionError where it may not be done; empty where it brings
    nothing."""
    kept = files.disk.read(files.config.folder / "quarantine" / name)
    there = _read(files, files.messages / f"{number}.blk")
    try:
        old, new = _scanned(files, number, there or b""), _scanned(files, number, kept)
    except BadKey as error:
        raise InspectionError(f"its key does not open: {error}") from None
    beyond = sorted(set(new.record_seqs()) - set(old.record_seqs()))
    missing = [seq for seq in beyond if seq in lost]
    if not missing:
        return []
    if not all(seq in lost or was_removed(seq) for seq in beyond):
        raise InspectionError("not put back: it has messages that were removed")
    if not _tells_all(old, new):
        raise InspectionError(f"not put back: {number}.blk has what it has not")
    if there:
        files.keep(f"{number}.blk", there)
    files.disk.replace(files.messages / f"{number}.blk", kept)
    return list(ranges_of(missing))


def _read(files: StreamFolder, path: Path) -> bytes | None:
    try:
        return files.disk.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InspectionError(f"not put back: {path.name} cannot be read ({error})") from None


def _scanned(files: StreamFolder, number: int, data: bytes) -> Block:
    block = files.make_block(number, 1)
    plain, _ = unpack_block(data, block.cipher)
    block.scan(plain)
    return block


def _tells_all(old: Block, new: Block) -> bool:
    """Whether everything that one block tells is in another."""
    spans = ((old.record_span(seq), new.record_span(seq)) for seq in old.record_seqs())
    return (
        all(
            one is not None and two is not None and bytes(old.piece(*one)) == new.piece(*two)
            for one, two in spans
        )
        and set(old.tombstones()) <= set(new.tombstones())
        and set(old.skips(0)) <= set(new.skips(0))
        and set(old.notes) <= set(new.notes)
        and old.floor <= new.floor
    )


def _without(lost: SequenceSet, first: int, last: int) -> SequenceSet:
    kept = SequenceSet()
    for seq in lost:
        if not first <= seq <= last:
            kept.add(seq)
    return kept
