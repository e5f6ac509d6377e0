"""What a stream has lost, for ever: lost.db beside its messages.

A sequence is lost if the stream had a message there, nothing removed it, and no file has it any
more. It stays named until an operator acknowledges the loss, until the message is found again (its
file was put back), or until limits, ages or purges have gone past it.

The file is JSON, so that people can read it, and a line with its checksum. nats-server leaves it
alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.inventory.ranges import Range, named
from pynats_server.jetstream.store.seqset import SequenceSet

LOST: Final = "lost.db"  # in the stream's folder
VERSION: Final = 1
NAMED_MAX: Final = 20  # ranges in a line of the log


class BadLosses(ValueError):
    """lost.db cannot be read."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Sequences first..last, which were in the file of a block (0 = nobody knows which). `nbytes`:
    of their records, as far as that is known. Times in ns since 1970; `acknowledged_ns` 0 = by
    nobody. `seen`: a digest of the file when it was last looked at, empty if it was missing: one
    with another content may have the messages again."""

    first: int
    last: int
    block: int = 0
    reason: str = ""
    found_ns: int = 0
    nbytes: int = 0
    acknowledged_ns: int = 0
    seen: str = ""

    def __len__(self) -> int:
        return self.last + 1 - self.first

    def without(self, first: int, last: int) -> Iterator[Loss]:
        """What is left of it without these."""
        if last < self.first or first > self.last:
            yield self
            return
        if first > self.first:
            yield self._part(self.first, first - 1)
        if last < self.last:
            yield self._part(last + 1, self.last)

    def _part(self, first: int, last: int) -> Loss:
        nbytes = self.nbytes * (last + 1 - first) // len(self)
        return replace(self, first=first, last=last, nbytes=nbytes)


class Losses:
    """The losses of one stream, by sequence. `sequences` are those that nobody has acknowledged;
    `unsaved`: lost.db says something else."""

    def __init__(self, losses: Iterable[Loss] = ()) -> None:
        self.all = sorted(losses, key=lambda one: one.first)
        self.sequences = SequenceSet()
        self.unsaved = False
        self._known = SequenceSet()  # acknowledged ones, too
        self._count()

    def _count(self) -> None:
        self.sequences.clear()
        self._known.clear()
        for loss in self.all:
            self._known.add_range(loss.first, loss.last)
            if not loss.acknowledged_ns:
                self.sequences.add_range(loss.first, loss.last)

    def _change(self, losses: list[Loss]) -> bool:
        if losses == self.all:
            return False
        self.all = losses
        self.unsaved = True
        self._count()
        return True

    def open(self) -> Iterator[Loss]:
        """Those that nobody has acknowledged."""
        return (loss for loss in self.all if not loss.acknowledged_ns)

    @property
    def nbytes(self) -> int:
        """Bytes of the losses that nobody has acknowledged, as far as they are known."""
        return sum(loss.nbytes for loss in self.open())

    @property
    def last_seq(self) -> int:
        """The highest sequence that was ever lost; 0 = none."""
        return max((loss.last for loss in self.all), default=0)

    @property
    def top_block(self) -> int:
        """The highest number of a block that had one of them."""
        return max((loss.block for loss in self.all), default=0)

    def has(self, seq: int) -> bool:
        """Whether a sequence is lost, acknowledged or not."""
        return seq in self._known

    def doubts(self, block: int) -> bool:
        """Whether the block of this number may still get back what it has lost: nothing that lives
        in it is moved, and its number and floors leave room for the good file."""
        return bool(self.sequences) and any(loss.block == block for loss in self.open())

    def add(self, losses: Iterable[Loss]) -> list[Loss]:
        """Note what has been found missing; returns what was not known before, acknowledged ones
        included."""
        fresh: list[Loss] = []
        for loss in losses:
            parts = [loss]
            if self._known.count_between(loss.first, loss.last):
                for known in self.all:
                    parts = [
                        left for part in parts for left in part.without(known.first, known.last)
                    ]
            fresh += parts
        if fresh:
            self._change(_joined([*self.all, *fresh]))
        return fresh

    def found(self, ranges: Iterable[Range]) -> list[Range]:
        """Messages are there again; returns those that nobody had acknowledged, as ranges."""
        back: list[Range] = []
        left = self.all
        for first, last in ranges:
            if not self._known.count_between(first, last):
                continue
            for loss in left:
                if not loss.acknowledged_ns and first <= loss.last and last >= loss.first:
                    back.append((max(first, loss.first), min(last, loss.last)))
            left = [part for loss in left for part in loss.without(first, last)]
        self._change(left)
        return back

    def passed(self, seq: int) -> bool:
        """Limits, ages or purges have gone past everything up to `seq`; whether that changes
        anything: it would be gone by now."""
        if not self.all or self.all[0].first > seq:
            return False
        self.found([(0, seq)])
        return True

    def aged(self, since_ns: int) -> bool:
        """What was found missing before has aged, too; whether that changes anything."""
        return self._change([loss for loss in self.all if loss.found_ns >= since_ns])

    def seen(self, block: int, digest: str) -> None:
        """The file of a block has this content now, and what is lost is not in it."""
        self._change([replace(one, seen=digest) if one.block == block else one for one in self.all])

    def first_of_blocks(self) -> list[Loss]:
        """One loss of each block."""
        return list({loss.block: loss for loss in reversed(self.all)}.values())

    def cut(self, last: int) -> None:
        """The stream ends at `last` now."""
        self._change([part for loss in self.all for part in loss.without(last + 1, 1 << 64)])

    def acknowledge(self, first: int, last: int, now_ns: int) -> list[Range]:
        """An operator knows that these are lost; returns those of them that nobody had
        acknowledged, as ranges."""
        told: list[Range] = []
        out: list[Loss] = []
        for loss in self.all:
            begin, end = max(first, loss.first), min(last, loss.last)
            if loss.acknowledged_ns or begin > end:
                out.append(loss)
                continue
            told.append((begin, end))
            out += loss.without(begin, end)
            (part,) = (
                piece
                for rest in loss.without(0, begin - 1)
                for piece in rest.without(end + 1, 1 << 64)
            )
            out.append(replace(part, acknowledged_ns=now_ns))
        self._change(sorted(out, key=lambda one: one.first))
        return told

    def floor(self, bound: int, passed: int) -> int:
        """Up to where a floor may say that everything is gone: `bound`, or the last sequence before
        one that may be found again. Those up to `passed` are gone anyway."""
        low = self.sequences.members(passed + 1, 1) if self.sequences else []
        return min(bound, low[0] - 1) if low else bound

    def told(self) -> str:
        """One line for the log; empty if there is nothing to tell."""
        groups: dict[str, list[Range]] = {}
        for loss in self.open():
            groups.setdefault(loss.reason, []).append((loss.first, loss.last))
        return "; ".join(
            f"lost {named(ranges, NAMED_MAX)}" + (f" ({reason})" if reason else "")
            for reason, ranges in groups.items()
        )

    # -- the file -----------------------------------------------------------------------------

    def begin_save(self) -> Callable[[bool], None]:
        """What is known now is being saved; to be called with whether that was done."""
        saving = self.all

        def done(well: bool) -> None:
            if well and self.all is saving:
                self.unsaved = False

        return done

    def encoded(self) -> bytes:
        """The content of lost.db; empty if there is nothing to say."""
        if not self.all:
            return b""
        body = json.dumps(
            {"version": VERSION, "lost": [_to_json(loss) for loss in self.all]},
            separators=(",", ":"),
        ).encode()
        return body + b"\nsha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n"

    @classmethod
    def decoded(cls, data: bytes) -> Losses:
        """Raises BadLosses."""
        body, _, rest = data.partition(b"\n")
        if rest.strip() != b"sha256:" + hashlib.sha256(body).hexdigest().encode():
            raise BadLosses("checksum does not match")
        try:
            found = json.loads(body)
            if found["version"] != VERSION:
                raise BadLosses(f"version {found['version']} is not known")
            return cls(_from_json(one) for one in found["lost"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadLosses(str(error)) from error


def read_losses(stream: Path, disk: Disk) -> Losses:
    """What lost.db of a stream's folder says. Raises BadLosses, OSError."""
    try:
        data = disk.read(stream / LOST)
    except FileNotFoundError:
        return Losses()
    return Losses.decoded(data)


def write_losses(stream: Path, data: bytes, disk: Disk) -> None:
    """Save lost.db, as `Losses.encoded` has it, durably; it goes when there is nothing to say.
    Raises OSError."""
    if data:
        disk.replace(stream / LOST, data)
    else:
        disk.remove(stream / LOST)
        disk.sync_folder(stream)


def _joined(losses: list[Loss]) -> list[Loss]:
    out: list[Loss] = []
    for loss in sorted(losses, key=lambda one: one.first):
        if out and _follows(out[-1], loss):
            nbytes = out[-1].nbytes + loss.nbytes
            out[-1] = replace(out[-1], last=loss.last, nbytes=nbytes)
        else:
            out.append(loss)
    return out


def _follows(one: Loss, other: Loss) -> bool:
    same = (one.block, one.reason, one.seen) == (other.block, other.reason, other.seen)
    return same and one.acknowledged_ns == other.acknowledged_ns and one.last + 1 == other.first


def _to_json(loss: Loss) -> dict[str, Any]:
    made = {
        "first": loss.first,
        "last": loss.last,
        "block": loss.block,
        "reason": loss.reason,
        "found_ns": loss.found_ns,
        "bytes": loss.nbytes,
        "seen": loss.seen,
    }
    if loss.acknowledged_ns:
        made["acknowledged_ns"] = loss.acknowledged_ns
    return made


def _from_json(found: dict[str, Any]) -> Loss:
    numbers = [found[key] for key in ("first", "last", "block", "found_ns", "bytes")]
    numbers.append(found.get("acknowledged_ns", 0))
    if any(not isinstance(one, int) or one < 0 for one in numbers) or not numbers[0]:
        raise BadLosses("a loss is malformed")
    first, last, block, found_ns, nbytes, acknowledged_ns = numbers
    if last < first:
        raise BadLosses("a loss is malformed")
    reason, seen = str(found["reason"]), str(found["seen"])
    return Loss(first, last, block, reason, found_ns, nbytes, acknowledged_ns, seen)
