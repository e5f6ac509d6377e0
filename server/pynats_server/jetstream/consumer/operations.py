"""What can happen to a stream's consumers, as data.

As a stream's own (`stream.operations`): a log of them, applied to an empty `ConsumersReplica`,
gives the same state. Timers, flow control, turns and what is to be delivered again are the leader's
own; of those who wait a replica knows where they are, so that a next leader can tell them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynats_server.jetstream.consumer.config.model import ConsumerConfig

# -- of its state, see `delivery.state` --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivered:
    """Message `seq` was delivered for the `count`-th time, with the consumer sequence `delivery`,
    and its acknowledgement is waited for from `ts` (ns) on."""

    delivery: int
    seq: int
    count: int
    ts: int


@dataclass(frozen=True, slots=True)
class Acked:
    """Message `seq`, delivered as `delivery`, is acknowledged or no longer to be; by the policy all
    up to it."""

    delivery: int
    seq: int


@dataclass(frozen=True, slots=True)
class Struck:
    """Message `seq` has gone from the stream and is not waited for."""

    seq: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Message `seq` was delivered as often as it may be, and is not acknowledged."""

    seq: int


@dataclass(frozen=True, slots=True)
class Purged:
    """The stream's messages below `first_seq` have been purged."""

    first_seq: int


@dataclass(frozen=True, slots=True)
class ResetTo:
    """The consumer begins again at message `start`."""

    start: int


StateOperation = Delivered | Acked | Struck | Spent | Purged | ResetTo

# -- of those who wait -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody waits for messages at the subject `reply`."""

    reply: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """Nobody waits at the subject `reply` any more."""

    reply: bytes


# -- of a stream's consumers -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Created:
    """The stream has a consumer of this valid configuration, which begins at message `start`.
    `retains`: the stream keeps messages for its consumers' sake."""

    config: ConsumerConfig
    created: int  # ns
    start: int
    retains: bool


@dataclass(frozen=True, slots=True)
class Updated:
    """The consumer of that name has another valid configuration, or its stream keeps messages for
    it from now on, or no more."""

    config: ConsumerConfig
    retains: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """The consumer of that name is no more."""

    name: str


NamedOperation = StateOperation | Requested | Answered


@dataclass(frozen=True, slots=True)
class Named:
    """Something happens to the consumer of that name."""

    name: str
    operation: NamedOperation


Operation = Named | Created | Updated | Deleted
