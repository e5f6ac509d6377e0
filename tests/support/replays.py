"""Logs of operations, replayed on empty replicas: they must be what the running ones are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pynats_server.jetstream.consumer.delivery.pull.feed import PullFeed
from pynats_server.jetstream.consumer.operations import Named
from pynats_server.jetstream.consumer.operations import Operation as ConsumersOperation
from pynats_server.jetstream.consumer.registry import StreamConsumers
from pynats_server.jetstream.consumer.replica import ConsumersReplica
from pynats_server.jetstream.consumer.replica import described as described_consumer
from pynats_server.jetstream.quota import Usage
from pynats_server.jetstream.store import FileConfig, MemoryConfig, Store, open_store
from pynats_server.jetstream.stream.apply import Replica
from pynats_server.jetstream.stream.log import OperationLog
from pynats_server.jetstream.stream.state_hash import described, state_hash
from pynats_server.jetstream.stream.stream import Stream

SMALL_BLOCK = 4000


def empty_store(folder: Path, like: Stream) -> Store:
    """As a new stream of that configuration has."""
    if not like.store.on_disk:
        return open_store(MemoryConfig(like.name, 1))
    return open_store(FileConfig(like.name, folder / like.name, block_size=SMALL_BLOCK))


def compare(log: OperationLog, folder: Path, stream: Stream) -> None:
    """A stream with a replica of its log."""
    failures: list[Exception] = []
    replica = Replica(empty_store(folder, stream), Usage(-1), stream.name, failures.append)
    log.replay(replica)
    now = time.time_ns()
    assert failures == []
    assert list(described(replica, now)) == list(described(stream.replica, now)), stream.name
    assert state_hash(replica, now) == state_hash(stream.replica, now)
    replica.store.close()


class ConsumersLog:
    """The operations of a stream's consumers."""

    def __init__(self) -> None:
        self.operations: list[ConsumersOperation] = []

    def record(self, operation: ConsumersOperation) -> None:
        self.operations.append(operation)

    def compare(self, consumers: StreamConsumers) -> None:
        """The consumers with a replica of their log."""
        replica = ConsumersReplica()
        for operation in self.operations:
            replica.apply(operation)
        assert list(replica.described()) == list(running(consumers))

    @property
    def kinds(self) -> set[str]:
        return {
            type(each.operation if isinstance(each, Named) else each).__name__
            for each in self.operations
        }


def running(consumers: StreamConsumers) -> Iterator[bytes]:
    """`ConsumersReplica.described` of those that run."""
    for name, consumer in sorted(consumers.by_name.items()):
        feed = consumer.feed
        waiting = Counter(feed.waiting if isinstance(feed, PullFeed) else [])
        yield described_consumer(name, consumer.config, consumer.created, consumer.state, waiting)
