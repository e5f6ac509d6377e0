"""Rows whose transcript differs from the reference's on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`lines` are (theirs, ours): lines of the reference's transcript, the first that is like it
    and has not been changed yet, and what stands there in ours; "" takes the line out."""

    why: str
    lines: tuple[tuple[str, str], ...]


DIFFERENCES: dict[str, Difference] = {}


def as_ours(row: str, theirs: str) -> str:
    """The transcript that ours shall have. Raises AssertionError for a line that is not there."""
    difference = DIFFERENCES.get(row)
    if difference is None:
        return theirs
    done: list[str] = []
    rest = theirs.split("\n")
    for line, ours in difference.lines:
        assert line in rest, f"no such line in {row} any more: {line}"
        at = rest.index(line)
        done += [*rest[:at], *([ours] if ours else [])]
        rest = rest[at + 1 :]
    return "\n".join(done + rest)
