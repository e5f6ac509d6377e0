"""What must be there, block by block, by all that tells it: index.db, and the ledger.

Each was true of some moment, and a removal is for ever. So what one of them knows as stored is
still expected only if the other does not know it as removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TypeAlias

from pynats_server.jetstream.store.format.index_db import FullState
from pynats_server.jetstream.store.format.ledger_file import Claim
from pynats_server.jetstream.store.inventory.ranges import Range, live_ranges, within, without

Claims: TypeAlias = dict[int, Claim | None]
"""What the ledger says of blocks, by their numbers; None for one that was removed because nothing
in it lived."""


class Expected:
    """What index.db and the ledger say together."""

    def __init__(self, prior: FullState | None, claims: Claims) -> None:
        self._claims = claims
        self.vouched = bool(claims)  # there is a ledger
        self._entries = {entry.index: entry for entry in prior.blocks} if prior is not None else {}
        self._horizon = prior.last_seq if prior is not None else 0  # up to here index.db knows all

    @cached_property
    def _live(self) -> list[Range]:
        return sorted(one for number in self._entries for one in self._indexed(number))

    def _indexed(self, number: int) -> list[Range]:
        entry = self._entries.get(number)
        if entry is None or not entry.msgs:
            return []
        return live_ranges(entry.first_seq, entry.last_seq, entry.deleted)

    @property
    def numbers(self) -> set[int]:
        """The blocks that something is known of."""
        return self._entries.keys() | self._claims.keys()

    @property
    def last_seq(self) -> int:
        """The highest sequence that was used."""
        lasts = [claim.last for claim in self._claims.values() if claim is not None]
        return max(self._horizon, max(lasts, default=0))

    def first_behind(self, number: int) -> int:
        """The lowest sequence of later blocks; 0 if none is known."""
        firsts = [one.first_seq for at, one in self._entries.items() if at > number and one.msgs]
        for at, claim in self._claims.items():
            if at > number and claim is not None and claim.first <= claim.last:
                firsts.append(claim.first)
        return min(firsts, default=0)

    def known_to(self, number: int) -> int:
        """Up to which sequence all is known of what was in a block."""
        claim = self._claims.get(number)
        known = claim.last if claim is not None else 0
        return max(known, self._horizon)

    def nbytes(self, number: int) -> int:
        """Bytes of the records of a block, about."""
        claim, entry = self._claims.get(number), self._entries.get(number)
        return claim.nbytes if claim is not None else entry.nbytes if entry is not None else 0

    def of(self, number: int) -> list[Range]:
        """What must be in a block, unless tombstones and floors say otherwise."""
        if number not in self._claims:
            return self._indexed(number)
        claim = self._claims[number]
        if claim is None:
            return []
        live = _live(claim)
        if number not in self._entries:
            return within_known(live, self._live, self._horizon)
        indexed = self._indexed(number)
        # The one with the later end has what came after the other.
        return within(live, indexed) + _behind(indexed, claim.last) + _behind(live, self._horizon)

    def gone(self, number: int, present: Iterable[Range]) -> list[Range]:
        """What of the messages in a block had been removed before, wherever that was noted."""
        have = list(present)
        kept = within_known(have, self._live, self._horizon)
        claim = self._claims.get(number)
        if number in self._claims:
            kept = within_known(kept, _live(claim), claim.last) if claim is not None else []
        return without(have, kept)


def within_known(ranges: list[Range], live: list[Range], horizon: int) -> list[Range]:
    """Without those up to the horizon that do not live."""
    known = [(first, min(last, horizon)) for first, last in ranges if first <= horizon]
    return within(known, live) + _behind(ranges, horizon)


def _behind(ranges: list[Range], seq: int) -> list[Range]:
    return [(max(first, seq + 1), last) for first, last in ranges if last > seq]


def _live(claim: Claim) -> list[Range]:
    if claim.first > claim.last:
        return []
    return live_ranges(claim.first, claim.last, claim.deleted)
