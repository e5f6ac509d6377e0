"""Bringing a stream within its limits when much has to go: after an update or a start.

A publish removes what it displaces itself, up to a number; what is left shows as `behind`.
"""

from __future__ import annotations

from pynats_server.jetstream.store.contract import LimitParts
from pynats_server.jetstream.store.errors import StoreFull
from pynats_server.jetstream.store.removal.disposal import dispose
from pynats_server.jetstream.store.removal.removing import TAKE, Removing
from pynats_server.jetstream.store.search.queries import COLLECT, WALK, only
from pynats_server.jetstream.store.search.subjectwalk import SubjectWalk
from pynats_server.jetstream.store.subjects import SubjectTree
from pynats_server.work import Work

BEHIND_A_SUBJECT = 1
EVERY = b">"
WHOLE = 1 << 62
LOOK = 1000
"""Messages that a step looks at."""


class Limiting(Removing):
    """What removes messages by limits, in steps."""

    _ringed = False  # whether the rings of all subjects were gathered

    def enforcing(
        self, max_msgs: int, max_bytes: int, per_subject: int, parts: LimitParts | None = None
    ) -> Work[None]:
        """Removes the oldest messages past the limits (0 = none), those of subjects first. While
        it runs, publishes may leave more than that, which it removes before it ends."""
        self._ringed = self._ringed or (self.rings and not self.gathering)
        self.gathering = per_subject > 1 and not self._ringed
        self.behind = BEHIND_A_SUBJECT
        while self.behind:
            crowded, self.behind = self.behind & BEHIND_A_SUBJECT, 0
            if per_subject and crowded and (yield from self._is_crowded(per_subject)):
                yield from self._thin(per_subject, parts)
            if self.gathering:
                yield from self._gather()
            while self.msgs > max_msgs > 0 or self.nbytes > max_bytes > 0:
                block = self.blocks[self.block_at(self.first_seq)]
                if not block.loaded and block.msgs:
                    yield from self.loading(block)
                else:
                    self._check()
                    self.enforce_limits(max_msgs, max_bytes, most=TAKE)
                    if parts is not None:
                        parts.trimmed(TAKE)
                    self._settle()
                    yield
            self.behind &= BEHIND_A_SUBJECT

    def find_noticed(self) -> Work[None]:
        """See `Store.find_noticed`."""
        self.look_at_clock()
        more = True
        while more:
            more, block = self.gather_part(LOOK)
            if block is not None:
                yield from self.loading(block)
            elif more:
                yield

    def read_for_expiry(self) -> Work[bool]:
        """Reads the block at which `expired` ended; False when there was none."""
        block = self.unread
        if block is None or block.loaded or not block.msgs:
            return False
        yield from self.loading(block)
        return True

    def _settle(self) -> None:
        """Called after each part. Raises StoreFull if a full disk has brought it back."""
        self._undid = False
        self._buried()
        if self._undid:
            raise StoreFull("no space to note what limits remove")

    def _is_crowded(self, limit: int) -> Work[bool]:
        """Whether any subject has more messages than the limit."""
        walk = SubjectWalk(self.tree, only(EVERY))
        while not walk.done:
            if any(count > limit for _, count in walk.totals(WALK)):
                return True
            yield
        return False

    def thin(self, limit: int, start: int, stop: int) -> None:
        """From `start` to `stop`, removes every message of whose subject there are more than
        `limit`."""
        self._check()
        while start and start <= stop:
            start, block = self.thin_part(limit, start, WHOLE, stop)
            if block is not None:
                self.load_block(block)

    def _thin(self, limit: int, parts: LimitParts | None) -> Work[None]:
        at = self.first_seq
        while at:
            self._check()
            start, before = at, self.msgs
            at, block = self.thin_part(limit, at, TAKE * 8)
            if parts is not None and self.msgs != before:
                parts.thinned(start, at - 1 if at else self.last_seq)
            if block is not None:
                yield from self.loading(block)
            else:
                self._settle()
                yield

    def _gather(self) -> Work[None]:
        """Finds the oldest messages of all subjects."""
        found, at = SubjectTree(), 1
        self.keep_rings()
        while at:
            at, block = self.ring_part(found, at, COLLECT)
            if block is not None:
                yield from self.loading(block)
            else:
                yield
        walk = SubjectWalk(found, only(EVERY))
        while not walk.done:
            self.take_rings(walk, WALK)
            yield
        dispose(found)
        self.gathering, self._ringed = False, True
