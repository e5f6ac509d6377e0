"""Runs of sequences: lists of (first, last), ascending, that neither touch nor overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pynats_server.jetstream.store.seqset import SequenceSet

Range = tuple[int, int]


def ranges_of(sequences: Iterable[int]) -> Iterator[Range]:
    """Ascending sequences as ranges."""
    first = last = -1
    for seq in sequences:
        if first >= 0 and seq == last + 1:
            last = seq
            continue
        if first >= 0:
            yield first, last
        first = last = seq
    if first >= 0:
        yield first, last


def live_ranges(first: int, last: int, deleted: SequenceSet) -> list[Range]:
    """first..last without the deleted ones."""
    return without([(first, last)], ranges_of(deleted.between(first, last)))


def without(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """What of the ranges is in none of the others."""
    out: list[Range] = []
    taken = iter(others)
    other = next(taken, None)
    for first, last in ranges:
        while other is not None and other[1] < first:
            other = next(taken, None)
        while other is not None and other[0] <= last:
            if other[0] > first:
                out.append((first, other[0] - 1))
            first = max(first, other[1] + 1)
            if other[1] > last:
                break
            other = next(taken, None)
        if first <= last:
            out.append((first, last))
    return out


def within(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """What of the ranges is in the others, too."""
    one = list(ranges)
    return without(one, without(one, others))


def count(ranges: Iterable[Range]) -> int:
    """How many sequences there are."""
    return sum(last + 1 - first for first, last in ranges)


def named(ranges: Iterable[Range], most: int) -> str:
    """As people write them, `most` of them."""
    listed = list(ranges)
    parts = [str(first) if first == last else f"{first}-{last}" for first, last in listed[:most]]
    more = len(listed) - most
    return ", ".join(parts) + (f" and {more} more ranges" if more > 0 else "")
