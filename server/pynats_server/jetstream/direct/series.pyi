from asyncio import Future
from collections.abc import Sequence
from enum import IntEnum

from pynats_server.core.account import Account
from pynats_server.core.engine import Engine
from pynats_server.core.senders.sender import Sender
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.store.contract import Store
from pynats_server.jetstream.store.search.filters import FilterSet

STEP_MESSAGES: int
STEP_BYTES: int

class Went(IntEnum):
    ENDED = 0
    MORE = 1
    HELD = 2
    UNREAD = 3

class Series(Sender):
    sent: int
    held: int
    last: int
    pending: int
    unread: Block | None
    waiting: Future[None] | None
    def __init__(
        self,
        engine: Engine,
        account: Account,
        store: Store,
        inbox: bytes,
        stream: bytes,
        plain: bool,
        most_bytes: int,
    ) -> None: ...
    def follow(
        self, filters: FilterSet, start: int, stop: int, count: int, pending: int
    ) -> None: ...
    def pick(self, sequences: Sequence[int], count: int) -> None: ...
    def step(self, most: int = ...) -> int: ...
