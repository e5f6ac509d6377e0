"""What must be there, block by block, by all that tells it: index.db, and the ledger.

Each was true of some moment, and a removal is for ever. So what one of them knows as stored is
still expected only if the other does not know it as removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.inventory.ranges import Range, live_ranges, within, without
from pynats_server.jetstream.store.seqset import SequenceSet


@dataclass(slots=True)
class Claim:
    """A block had the messages first..last without `deleted`, at some moment; `nbytes` in their
    records. `size` and `end`: of its file, and its last bytes (empty = nobody knows)."""

    first: int
    last: int
    deleted: SequenceSet = field(default_factory=SequenceSet)
    nbytes: int = 0
    size: int = 0
    end: bytes = b""

    def live(self) -> list[Range]:
        """The sequences."""
        return live_ranges(self.first, self.last, self.deleted) if self.first <= self.last else []


class Expected:
    """What index.db and the ledger say together. `claims` are those of the ledger; None stands for
    a block that was removed because nothing in it lived."""

    def __init__(self, prior: FullState | None, claims: dict[int, Claim | None]) -> None:
        self._claims = claims
        self._indexed: dict[int, list[Range]] = {}
        self._nbytes: dict[int, int] = {}
        self._live: list[Range] = []
        self._horizon = 0  # up to here index.db knows everything
        if prior is not None:
            self._horizon = prior.last_seq
            for entry in prior.blocks:
                ranges = live_ranges(entry.first_seq, entry.last_seq, entry.deleted)
                self._indexed[entry.index] = ranges if entry.msgs else []
                self._nbytes[entry.index] = entry.nbytes
                self._live += self._indexed[entry.index]
            self._live.sort()
        for number, claim in claims.items():
            if claim is not None:
                self._nbytes[number] = claim.nbytes

    @property
    def numbers(self) -> set[int]:
        """The blocks that something is known of."""
        return self._indexed.keys() | self._claims.keys()

    @property
    def last_seq(self) -> int:
        """The highest sequence that was used."""
        lasts = [claim.last for claim in self._claims.values() if claim is not None]
        return max(self._horizon, max(lasts, default=0))

    def known_to(self, number: int) -> int:
        """Up to which sequence all is known of what was in a block."""
        claim = self._claims.get(number)
        known = claim.last if claim is not None else 0
        return max(known, self._horizon)

    def nbytes(self, number: int) -> int:
        """Bytes of the records of a block, about."""
        return self._nbytes.get(number, 0)

    def of(self, number: int) -> list[Range]:
        """What must be in a block, unless tombstones and floors say otherwise."""
        if number not in self._claims:
            return self._indexed.get(number, [])
        claim = self._claims[number]
        if claim is None:
            return []
        live = claim.live()
        if number in self._indexed:
            # The one with the later end has what came after the other.
            later = [*within(live, self._indexed[number])]
            beyond = [(max(first, claim.last + 1), last) for first, last in self._indexed[number]]
            later += [one for one in beyond if one[0] <= one[1]]
            beyond = [(max(first, self._horizon + 1), last) for first, last in live]
            return later + [one for one in beyond if one[0] <= one[1]]
        return within_known(live, self._live, self._horizon)

    def gone(self, number: int, present: Iterable[Range]) -> list[Range]:
        """What of the messages in a block had been removed before, wherever that was noted."""
        have = list(present)
        kept = within_known(have, self._live, self._horizon)
        claim = self._claims.get(number)
        if number in self._claims:
            kept = within_known(kept, claim.live(), claim.last) if claim is not None else []
        return without(have, kept)


def within_known(ranges: list[Range], live: list[Range], horizon: int) -> list[Range]:
    """Without those up to the horizon that do not live."""
    known = [(first, min(last, horizon)) for first, last in ranges if first <= horizon]
    later = [(max(first, horizon + 1), last) for first, last in ranges if last > horizon]
    return within(known, live) + later
