"""What a start could not read: which messages that leaves unavailable, and for how long.

A file may be there and not be readable: something else is in its place, it belongs to somebody
else, or the disk fails. That may go away, so the file stays as it is and the next start looks
again. Until then nothing is written into the stream: what the file says would have decided what a
delete, a limit or an expected sequence means, and which sequence is the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import SEQ_MAX


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequences first..last, of which nobody can tell; `last` is `SEQ_MAX` if nothing follows."""

    first: int
    last: int
    reason: str

    def __str__(self) -> str:
        if self.first > self.last:
            return self.reason
        shown = f"from {self.first} on" if self.last == SEQ_MAX else f"{self.first}-{self.last}"
        return f"{self.reason}: messages {shown} are unavailable"


def reason_of(name: str, error: OSError) -> str:
    """Why a file cannot be read, in words."""
    return f"{name} cannot be read ({error.strerror or error})"


def gaps_between(
    blocks: Sequence[Block], unreadable: Mapping[int, OSError], floor: int
) -> list[Gap]:
    """The gaps that unreadable blocks leave between the others, in order. Everything up to `floor`
    is gone anyway."""
    gaps: list[Gap] = []
    for number in sorted(unreadable):
        before = [block.last_seq for block in blocks if block.index < number]
        after = [block.first_seq for block in blocks if block.index > number and block.msgs]
        first = max([floor, *before]) + 1
        last = after[0] - 1 if after else SEQ_MAX
        if last <= floor:
            continue  # nothing that it may say matters any more
        gap = Gap(first, last, reason_of(f"msgs/{number}.blk", unreadable[number]))
        if not gaps or (gaps[-1].first, gaps[-1].last) != (gap.first, gap.last):
            gaps.append(gap)
    return gaps


def gap_at(gaps: Sequence[Gap], seq: int) -> Gap | None:
    """The gap that a sequence is in."""
    return next((gap for gap in gaps if gap.first <= seq <= gap.last), None)
