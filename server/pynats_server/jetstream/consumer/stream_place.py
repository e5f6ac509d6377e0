"""The place of a stream's consumers: see `place.ConsumerPlace`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.consumer.delivery.alarms import Alarms
from pynats_server.jetstream.consumer.delivery.interest import Interest
from pynats_server.jetstream.consumer.delivery.router import Router
from pynats_server.jetstream.consumer.delivery.state import Snapshot
from pynats_server.jetstream.consumer.retaining import Retaining
from pynats_server.jetstream.context import AccountContext
from pynats_server.jetstream.store import Store, StoreError
from pynats_server.jetstream.store.block import Block
from pynats_server.jetstream.stream.host import StreamHost
from pynats_server.work import Job, Work

if TYPE_CHECKING:
    from pynats_server.jetstream.consumer.consumer import Consumer

RETRY_S: Final = 1.0
"""Until a block that could not be read is tried again."""


class StreamPlace:
    """Of one stream. `expired` is told of consumers that nobody uses any more."""

    def __init__(self, host: StreamHost, on_expired: Callable[[Consumer], None]) -> None:
        self._host = host
        self._on_expired = on_expired
        self.interest = Interest(host.store, host.account.server.engine)
        self.retaining = Retaining(host, self.interest)

    @property
    def name(self) -> str:
        """The stream's name."""
        return self._host.name

    @property
    def config(self) -> StreamConfig:
        """The stream's configuration."""
        return self._host.config

    @property
    def account(self) -> AccountContext:
        """Where the stream is."""
        return self._host.account

    @property
    def store(self) -> Store:
        """The stream's."""
        return self._host.store

    @property
    def alarms(self) -> Alarms:
        """The server's."""
        return self.account.server.alarms

    @property
    def pauses(self) -> Alarms:
        """The server's, by the wall clock."""
        return self.account.server.pauses

    @property
    def router(self) -> Router:
        """The account's."""
        return self.account.router

    @property
    def largest_message(self) -> int:
        """See `ConsumerPlace`."""
        own = self.config.max_msg_size
        return own if own > 0 else self.account.server.max_payload

    def load_block(self, block: Block, done: Callable[[], None]) -> None:
        """See `ConsumerPlace`."""

        def work() -> Work[None]:
            yield from self.store.loading(block)

        server = self.account.server

        def ended(job: Job[None]) -> None:
            if isinstance(job.error, StoreError):  # it may be read later; until then they wait
                self._host.log.warn_rarely(
                    f"JetStream consumers of {self._host.label}: {job.error}"
                )
                server.loop.call_later(RETRY_S, done)
                return
            if isinstance(job.error, Exception):
                self.on_internal_error(job.error)
            done()

        server.turns.start(self.account.name, (self, block.index), work(), on_end=ended)

    def when_removed(self, done: Callable[[Exception | None], None]) -> None:
        """See `ConsumerPlace`."""
        self.retaining.when_removed(done)

    def release(self, closed: Snapshot, last: int) -> None:
        """See `ConsumerPlace`."""
        self.retaining.release(closed, last)

    def expired(self, consumer: Consumer) -> None:
        """See `ConsumerPlace`."""
        self._on_expired(consumer)

    def on_internal_error(self, error: Exception) -> None:
        """See `ConsumerPlace`."""
        self._host.on_internal_error(error)
