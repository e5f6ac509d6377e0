"""Events that wait to be published: in the order in which they were told, a few at a time."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Final

import msgspec

from pynats_server.core.account import Account
from pynats_server.said.json import compact
from pynats_server.server.state import ServerState
from pynats_server.system.server_block import ServerBlock
from pynats_server.work import Work

Body = Callable[[msgspec.Raw], object]
"""Makes the event around the object `server`: what is encoded."""

TYPE_PREFIX: Final = "io.nats.server.advisory.v1."  # of events about clients and accounts
STEP: Final = 8  # published in one step: some 20 µs each
MOST: Final = 4096
"""Of these may wait; more are published by whoever tells them."""


class Outbox:
    """Of one server."""

    def __init__(self, state: ServerState, block: ServerBlock) -> None:
        self._state = state
        self._block = block
        # What waits: an event, or how many that nobody wants come in between.
        self._waiting: collections.deque[tuple[Account, bytes, Body] | int] = collections.deque()
        self._at_work = False

    def __len__(self) -> int:
        return len(self._waiting)

    def skip(self) -> None:
        """An event that nobody listens to: it has a number, too."""
        if not self._waiting:
            self._block.skip()
        elif isinstance(self._waiting[-1], int):
            self._waiting[-1] += 1
        else:
            self._waiting.append(1)

    def add(self, account: Account, subject: bytes, body: Body) -> None:
        """Publishes an event in an account, soon."""
        self._waiting.append((account, subject, body))
        if len(self._waiting) > MOST:
            self._publish_next()
        if not self._at_work:
            self._at_work = True
            # In the loop's next pass: who tells has something else to do.
            self._state.engine.at_turn_end(self._begin)

    def _begin(self) -> None:
        self._state.turns.start(self, self, self._publish_all())

    def _publish_all(self) -> Work[None]:
        try:
            while self._waiting:
                for _ in range(min(STEP, len(self._waiting))):
                    self._publish_next()
                yield
        finally:
            self._at_work = False

    def flush(self) -> None:
        """Publishes all that waits, at once."""
        while self._waiting:
            self._publish_next()

    def _publish_next(self) -> None:
        item = self._waiting.popleft()
        if isinstance(item, int):
            for _ in range(item):
                self._block.skip()
            return
        account, subject, body = item
        if not account.has_interest(subject):  # nobody any more
            self._block.skip()
            return
        made = compact(body(msgspec.Raw(self._block.next())))
        account.publish(self._state.engine, subject, made)
