"""Mirrors and sources of the same server that read a stream which keeps its messages for consumers.

Each has a consumer there, as the real server makes one: it counts as interest, everybody sees how
far it is, and what it has acknowledged may go. Nothing is delivered through it. Its reader looks at
the stream itself, and says here what it has (`Lent.took`) and what it has for good.
"""

from __future__ import annotations

from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.config.preparation import EITHER
from pynats_server.jetstream.consumer.consumer import Consumer
from pynats_server.jetstream.consumer.delivery.push.feed import PushFeed
from pynats_server.jetstream.consumer.registry import StreamConsumers
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.stream.host import Borrower


class Lent:
    """A consumer in the hands of a reader."""

    def __init__(self, consumer: Consumer, feed: PushFeed) -> None:
        self._consumer = consumer
        self._feed = feed

    @property
    def filters(self) -> list[str]:
        """The subjects that it wants; none means all."""
        return self._consumer.config.filters

    @property
    def position(self) -> int:
        """The first sequence that its reader has not said to have."""
        return self._feed.position

    @property
    def floor(self) -> int:
        """Up to here everything is acknowledged."""
        return self._feed.state.floor_stream

    @property
    def is_full(self) -> bool:
        """Whether as many messages wait for their acknowledgement as may."""
        return self._feed.is_full

    def took(self, seq: int, subject: bytes) -> None:
        """The reader has this message, and all of the consumer's before it."""
        self._feed.took(seq, subject)

    def acknowledge_to(self, seq: int) -> None:
        """The reader has everything up to here for good."""
        self._feed.acknowledge_to(seq)

    def give_back(self) -> None:
        """Nobody reads any more; the consumer stays."""
        self._feed.lend(None)


class Readers:
    """Of one stream. Whoever calls holds the account's `changing`."""

    def __init__(self, consumers: StreamConsumers) -> None:
        self._consumers = consumers

    async def make(self, config: ConsumerConfig, borrower: Borrower) -> Lent:
        """Lends the consumer of this name, or of one that another server has called otherwise, or
        makes it. Raises ApiError."""
        await self._consumers.settled(config.name)
        there = self._consumers.by_name.get(config.name)
        if there is not None and there.config.filters != config.filters and _is_free(there, config):
            await self._consumers.delete(there)  # of a source that the stream had before
            there = None
        there = there or self._alike(config)
        if there is None:
            account = self._consumers.place.account
            prepared = await account.sliced(self._consumers.preparing(config, EITHER, False))
            there = await account.sliced(self._consumers.beginning(prepared))
            await self._consumers.add(there)
        return _lend(there, borrower, 10012)

    def borrow(self, name: str, subject: str, code: int, borrower: Borrower) -> Lent:
        """Lends a consumer that a user has made; `code` is the error if it is of another kind. It
        goes back to what is acknowledged. Raises ApiError."""
        there = self._consumers.get(name)
        if there.config.ack_policy != "flow_control":
            raise api_error(code)
        if there.config.deliver_subject != subject:
            raise api_error(10012, err=f"consumer '{name}' does not deliver to '{subject}'")
        lent = _lend(there, borrower, code)
        there.reset(0)
        return lent

    async def remove(self, config: ConsumerConfig) -> None:
        """Ends what `make` has lent, and what was given back. Raises ApiError."""
        await self._consumers.settled(config.name)
        there = self._consumers.by_name.get(config.name)
        if there is None or not _is_free(there, config):
            there = self._alike(config)
        if there is not None:
            await self._consumers.delete(there)

    def _alike(self, config: ConsumerConfig) -> Consumer | None:
        for consumer in self._consumers.by_name.values():
            if consumer.config.filters == config.filters and _is_free(consumer, config):
                return consumer
        return None


def _is_free(consumer: Consumer, config: ConsumerConfig) -> bool:
    """Whether it was made for the mirror or source that asks for `config`, and nobody reads."""
    found = consumer.config
    return (
        found.sourcing
        and not found.direct
        and config.metadata.items() <= found.metadata.items()
        and isinstance(consumer.feed, PushFeed)
        and not consumer.feed.is_lent
    )


def _lend(consumer: Consumer, borrower: Borrower, code: int) -> Lent:
    feed = consumer.feed
    if not isinstance(feed, PushFeed) or consumer.config.ack_policy != "flow_control":
        raise api_error(code, err=f"consumer '{consumer.name}' is not one of mirrors and sources")
    if feed.is_lent:
        raise api_error(10013)
    feed.lend(borrower)
    return Lent(consumer, feed)
