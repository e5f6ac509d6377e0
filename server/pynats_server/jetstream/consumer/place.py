"""What a consumer may ask of its stream and server, instead of knowing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.consumer.delivery.alarms import Alarms
from pynats_server.jetstream.consumer.delivery.interest import Interest
from pynats_server.jetstream.consumer.delivery.router import Router
from pynats_server.jetstream.consumer.delivery.state import Snapshot
from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.store import Store


class Saved(Protocol):
    """Who keeps a consumer's state on the disk."""

    def changed(self) -> None:
        """It is not what was saved last."""
        ...

    def when_saved(self, done: Callable[[Exception | None], None]) -> None:
        """Calls `done(None)` once the state as it is now is saved, `done(error)` if it cannot
        be."""
        ...


class ConsumerPlace(Protocol):
    """The stream of a consumer."""

    @property
    def name(self) -> str: ...

    @property
    def config(self) -> StreamConfig: ...

    @property
    def account(self) -> AccountContext: ...

    @property
    def store(self) -> Store:
        """For reading; changes are operations."""
        ...

    @property
    def interest(self) -> Interest: ...

    @property
    def alarms(self) -> Alarms: ...

    @property
    def pauses(self) -> Alarms:
        """For times of the wall clock."""
        ...

    @property
    def router(self) -> Router: ...

    @property
    def largest_message(self) -> int:
        """Bytes of the largest message that the stream takes."""
        ...

    def load_block(self, block: Any, done: Callable[[], None]) -> None:
        """Reads a block of the store into memory, in slices."""
        ...

    def when_removed(self, done: Callable[[Exception | None], None]) -> None:
        """Calls `done` once all messages that acknowledgements have removed are gone for good."""
        ...

    def release(self, closed: Snapshot, last: int) -> None:
        """A consumer needs nothing any more of what it had waited for up to `last`."""
        ...

    def expired(self, consumer: Any) -> None:
        """Nobody has used the consumer for as long as its configuration allows."""
        ...

    def on_internal_error(self, error: Exception) -> None:
        """Logs a bug of ours."""
        ...
