"""What the features of a stream may ask of it, and what mirrors and sources may ask of another.

Expiry, schedules, republishing, batches, mirrors and sources each get a host instead of the
`Stream` that they are part of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.publish.ingest import Ingest
from pynats_server.jetstream.store import Store
from pynats_server.jetstream.stream.operations import Append, Operation
from pynats_server.log.logger import Logger


class Reader(Protocol):
    """A consumer through which a mirror or source reads its origin, see `consumer.readers.Lent`."""

    @property
    def filters(self) -> list[str]: ...

    @property
    def position(self) -> int: ...

    @property
    def floor(self) -> int: ...

    @property
    def is_full(self) -> bool: ...

    def took(self, seq: int, subject: bytes) -> None: ...

    def acknowledge_to(self, seq: int) -> None: ...

    def give_back(self) -> None: ...


class Borrower(Protocol):
    """Who reads through it."""

    def ended(self) -> None: ...

    def moved(self) -> None: ...


class Readers(Protocol):
    """The consumers of an origin that mirrors and sources read through."""

    async def make(self, config: ConsumerConfig, borrower: Borrower) -> Reader: ...

    def borrow(self, name: str, subject: str, code: int, borrower: Borrower) -> Reader: ...

    async def remove(self, config: ConsumerConfig) -> None: ...


class Durable(Protocol):
    """What tells how far it is durable."""

    @property
    def durable_seq(self) -> int:
        """Everything up to here is durable; what is above may yet be lost."""
        ...

    def watch(self, wake: Callable[[], None]) -> None:
        """Calls `wake` whenever more has become durable."""
        ...

    def unwatch(self, wake: Callable[[], None]) -> None:
        """Stops calling it. Idempotent."""
        ...


class Described(Protocol):
    """A stream's name, where it is, and what is in it."""

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> AccountContext: ...

    @property
    def label(self) -> str:
        """The stream's name in the log: `stream 'ACCOUNT > NAME'`."""
        ...

    @property
    def log(self) -> Logger:
        """The server's log."""
        ...

    @property
    def created(self) -> int:
        """When, in ns since 1970."""
        ...

    @property
    def store(self) -> Store:
        """For reading; changes are operations."""
        ...


class StreamHost(Described, Durable, Protocol):
    """The stream that a feature is part of."""

    @property
    def config(self) -> StreamConfig:
        """The configuration in force; it may be another one at the next call."""
        ...

    @property
    def ingest(self) -> Ingest:
        """Acknowledgements, refusals, and the compiled checks of published messages."""
        ...

    def is_wanted(self, subject: bytes) -> bool:
        """Whether a consumer of the stream wants messages of that subject."""
        ...

    def now(self) -> int:
        """The time for the next message, ns: never before the last one's."""
        ...

    def apply(self, operation: Operation) -> int:
        """Carries out an operation that has passed every check; its result. Raises StoreError,
        and then nothing has changed."""
        ...

    def take_own(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Keeps a message that the stream writes itself: of a schedule, or a marker. Raises
        ApiError or StoreError."""
        ...

    def take_sourced(self, subject: bytes, headers: bytes, payload: bytes) -> bool:
        """Keeps a message that a source has brought; False if it was there already. Raises ApiError
        or StoreError."""
        ...

    def take_copy(self, seq: int, copy: Append) -> None:
        """Keeps a mirror's next message, which has this sequence. Raises ApiError or
        StoreError."""
        ...

    def when_replaced(self, seq: int, done: Callable[[], None]) -> bool:
        """Calls `done` when the older messages that message `seq` replaces have gone, and never
        if that fails. False if they have gone already, or there are none."""
        ...

    @property
    def replaces_much(self) -> bool:
        """Whether so much is being replaced that more messages have to wait."""
        ...

    def on_internal_error(self, error: Exception) -> None:
        """Logs a bug of ours met while handling a message."""
        ...


class Origin(Described, Durable, Protocol):
    """A stream that a mirror or source reads."""

    @property
    def config(self) -> StreamConfig:
        """The configuration in force; it may be another one at the next call."""
        ...

    @property
    def readers(self) -> Readers:
        """For those who have to say what they have."""
        ...


class Neighbours:
    """The streams of one account as its mirrors and sources see them."""

    def __init__(self, find: Callable[[str], Origin | None]) -> None:
        self.find = find
        self._followers: dict[str, dict[Callable[[], None], None]] = {}  # by origin, in order

    def join(self, origin: str, changed: Callable[[], None]) -> None:
        """Calls `changed` whenever the stream of that name has come or gone."""
        self._followers.setdefault(origin, {})[changed] = None

    def leave(self, origin: str, changed: Callable[[], None]) -> None:
        """Stops calling it. Idempotent."""
        followers = self._followers.get(origin, {})
        followers.pop(changed, None)
        if not followers:
            self._followers.pop(origin, None)

    def changed(self, name: str) -> None:
        """The stream of that name has come or gone."""
        for follower in list(self._followers.get(name, ())):
            follower()

    def all_changed(self) -> None:
        """Any may have come."""
        for name in list(self._followers):
            self.changed(name)
