"""What one replica of a stream knows of the stream's consumers: what they are, how far they have
come, and who waits for their messages.

Everything that happens to them is an operation (`operations`), in one order for all of them; a log
of it gives an empty replica the same `described`. The streams themselves have a log of their own
(`stream.operations`): which messages acknowledgements remove, is proposed there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.consumer.delivery.state import ConsumerState
from pynats_server.jetstream.consumer.operations import (
    Answered,
    Created,
    Deleted,
    Named,
    NamedOperation,
    Operation,
    Requested,
    Updated,
)


class Log(Protocol):
    """Who is told of every operation of a stream's consumers."""

    def record(self, operation: Operation) -> None: ...


class Recorder:
    """The log of one consumer."""

    def __init__(self, log: Log, name: str) -> None:
        self._log = log
        self._name = name

    def record(self, operation: NamedOperation) -> None:
        """Tells whose operation it is."""
        self._log.record(Named(self._name, operation))


class KnownConsumer:
    """What a replica knows of one. `waiting` are the subjects of requests, and how many each."""

    def __init__(self, made: Created) -> None:
        self.created = made.created
        self.state = ConsumerState(made.config.ack_policy, made.start)
        self.waiting: dict[bytes, int] = {}
        self.update(made)

    def update(self, changed: Created | Updated) -> None:
        """It has another configuration."""
        self.config: ConsumerConfig = changed.config
        self.state.keeps_spent = changed.retains

    def apply(self, operation: NamedOperation) -> None:
        """Something happened to it."""
        match operation:
            case Requested(reply=reply):
                self.waiting[reply] = self.waiting.get(reply, 0) + 1
            case Answered(reply=reply):
                self.waiting[reply] -= 1
                if not self.waiting[reply]:
                    del self.waiting[reply]
            case _:
                self.state.apply(operation)


class ConsumersReplica:
    """Of one stream, without those who work for its consumers."""

    def __init__(self) -> None:
        self.known: dict[str, KnownConsumer] = {}

    def apply(self, operation: Operation) -> None:
        """Does what the operation says."""
        match operation:
            case Named(name=name, operation=happened):
                self.known[name].apply(happened)
            case Created(config=config):
                self.known[config.name] = KnownConsumer(operation)
            case Updated(config=config):
                self.known[config.name].update(operation)
            case Deleted(name=name):
                del self.known[name]

    def described(self) -> Iterator[bytes]:
        """Everything that replicas must have alike, a line each."""
        for name, known in sorted(self.known.items()):
            yield described(name, known.config, known.created, known.state, known.waiting)


def described(
    name: str, config: ConsumerConfig, created: int, state: ConsumerState, waiting: dict[bytes, int]
) -> bytes:
    """One consumer, on a line."""
    return msgspec.json.encode(
        [name, created, config, state.digest(), sorted((each, n) for each, n in waiting.items())]
    )
