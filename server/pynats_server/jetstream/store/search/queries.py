"""Questions to a stream that may take long, as sliced work (see `Work`).

Each takes steps of some tenths of a millisecond and tolerates whatever happens between two of
them. What they answer was true at some time while they ran; without changes, it is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final, TypeAlias, TypeVar

from pynats_server.jetstream.store.block import Block, Message
from pynats_server.jetstream.store.contract import U64_MAX
from pynats_server.jetstream.store.retention import Retention
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.subjectwalk import SubjectWalk
from pynats_server.work import Work

T = TypeVar("T")
Step: TypeAlias = tuple[T, int, Block | None]
"""What was found, where the next step begins or 0 at the end, and the block to read first."""

WALK: Final = 500
"""Branches and leaves of the subject tree that a step visits."""
SCAN: Final = 4000
"""Records that a step looks at."""
COLLECT: Final = 1000
"""Records that a step looks at if each is looked up by its subject."""
LIST: Final = 1000
"""Sequences that a step lists."""
NEAR: Final = 1000
"""How many sequences are scanned before a wildcard's subjects are asked where its messages are:
reading many messages in a row would otherwise visit many subjects for each of them."""
TS_MIN: Final = -(2**63)
TS_MAX: Final = 2**63 - 1
"""What a message can be stored at, in ns: the years 1677 to 2262."""


@lru_cache(maxsize=256)
def only(filter: bytes) -> FilterSet:
    """The set of one filter."""
    return FilterSet([filter])


def is_literal(filter: bytes) -> bool:
    """Whether no token of the filter is a wildcard."""
    return not any(token in (b"*", b">") for token in filter.split(b"."))


class Queries(Retention):
    """Sliced reads. Subclasses supply `loading`."""

    def loading(self, block: Block) -> Work[None]:
        """Has a block in memory when it ends; it may be gone again after the next `yield`."""
        raise NotImplementedError

    def read(self, seq: int) -> Work[Message]:
        """`load`, in steps where its block has to be read first."""
        if self.is_live(seq):
            block = self.blocks[self.block_at(seq)]
            if not block.loaded:
                yield from self.loading(block)
        return self.load(seq)

    def bounds(self, filter: bytes) -> Work[tuple[int, int, int]]:
        """(messages, first, last) of the subjects a filter covers, the last two as bounds."""
        if is_literal(filter):
            return self.literal_bounds(filter)
        if filter == b">":
            return self.msgs, self.first_seq, self.last_seq
        walk = SubjectWalk(self.tree, only(filter))
        while not walk.done:
            walk.pass_by(WALK)
            yield
        return walk.total, walk.low, walk.high

    # -- messages -----------------------------------------------------------------------------

    def find_next(self, filter: bytes, start: int) -> Work[Message | None]:
        """The first live message of `filter` at or after `start`, or None."""
        if start > self.last_seq:
            return None
        filters, stop = only(filter), U64_MAX
        if not filters.every:
            # Where many subjects would have to be asked, the next messages are looked at first.
            near = 0 if is_literal(filter) else start + max(NEAR, len(self.tree) // 4)
            message = yield from self._forward(filters, start, near)
            if message is not None or near > self.last_seq:
                return message
            count, first, stop = yield from self.bounds(filter)
            if not count:
                return None
            start = max(start, first)
        return (yield from self._forward(filters, start, stop))

    def find_next_of(self, filters: FilterSet, start: int) -> Work[Message | None]:
        """As `find_next`, of several filters."""
        if start > self.last_seq:
            return None
        return (yield from self._forward(filters, start, U64_MAX))

    def find_last(self, filter: bytes, stop: int = U64_MAX) -> Work[Message | None]:
        """The last live message of `filter` at or before `stop`, or None."""
        return self.find_last_of(only(filter), stop)

    def find_last_of(self, filters: FilterSet, stop: int = U64_MAX) -> Work[Message | None]:
        """As `find_last`, of several filters."""
        start = 0
        if not filters.every:
            stop = min(stop, self.last_seq)
            near = stop + 1 if filters.literal else stop - max(NEAR, len(self.tree) // 4)
            near = max(near, 0)
            message = yield from self._back(filters, near, stop)
            if message is not None or near <= self.first_seq:
                return message
            walk = SubjectWalk(self.tree, filters)
            while not walk.done:
                walk.pass_by(WALK)
                yield
            if not walk.total:
                return None
            start, stop = walk.low, min(stop, walk.high)
        return (yield from self._back(filters, start, stop))

    def _forward(self, filters: FilterSet, start: int, stop: int) -> Work[Message | None]:
        return (yield from self._search(partial(self.step_forward, filters), max(start, 1), stop))

    def _back(self, filters: FilterSet, start: int, stop: int) -> Work[Message | None]:
        def step(at: int, start: int, most: int) -> Step[Message | None]:
            return self.step_back(filters, start, at, most)

        return (yield from self._search(step, stop, start))

    def _search(
        self, step: Callable[[int, int, int], Step[T]], at: int, end: int
    ) -> Work[T | None]:
        """What is found by the first of the steps that finds anything, from `at` to `end`."""
        while at:
            found, at, block = step(at, end, SCAN)
            if found:
                return found
            if block is not None:
                yield from self.loading(block)
            elif at:
                yield
        return None

    def find_since(self, ts: int, start: int = 1) -> Work[int]:
        """First live sequence, from `start` on, stored at or after `ts`, however far away; last + 1
        when there is none."""
        ts = min(max(ts, TS_MIN), TS_MAX)

        def step(at: int, _: int, most: int) -> Step[int]:
            return self.step_since(ts, at, most)

        return (yield from self._search(step, start, 0)) or self.last_seq + 1

    def count_between(self, filters: FilterSet, start: int, stop: int) -> Work[int]:
        """Live messages of some filters in start..stop."""
        total, at = 0, max(start, 1)
        while at and at <= stop:
            found, at, block = self.step_count(filters, at, stop, SCAN)
            total += found
            if block is not None:
                yield from self.loading(block)
            elif at:
                yield
        return total

    # -- subjects -----------------------------------------------------------------------------

    def subject_pages(self, filter: bytes) -> Iterator[list[tuple[bytes, int]]]:
        """(subject, messages) of the subjects a filter covers, in byte order, some in each step."""
        walk = SubjectWalk(self.tree, only(filter))
        while not walk.done:
            yield walk.totals(WALK)

    def missing(self, most: int) -> Iterator[list[int]]:
        """The lowest `most` deleted sequences between the first and the last message, in lists."""
        at = 1
        while at and most > 0:
            part, at = self.step_missing(at, min(most, LIST))
            most -= len(part)
            yield part
