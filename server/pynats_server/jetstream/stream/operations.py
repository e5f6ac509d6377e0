"""What can happen to a stream, as data.

A stream is a deterministic state machine: it proposes an operation, and whoever orders operations
(the stream itself with one replica, a replicated log with more) has it applied (`apply`).
Operations carry everything the outcome depends on, the time included; what may be refused has been
refused before. What follows from a message by itself (limits, what a rollup replaces, message ids,
the places of sources, schedules) is not an operation: `apply` derives it.

Long removals are ordered as many short operations, because others come in between: a purge as
purges of what is below a sequence, lowered limits as `Thin` and `Trim`, what has expired as
`Expire`, which names the messages. So no replica asks a clock, or how far another one is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pynats_server.jetstream.config.model import StreamConfig
from pynats_server.jetstream.publish.batch.staging import MessagePack

Rollup = Literal["", "sub", "all"]
ANY = -1
"""In `last`: wherever the stream is. In a log it is always a sequence."""


@dataclass(frozen=True, slots=True)
class Append:
    """Keep a message that has passed every check. Result: its sequence.

    With `later`, what it replaces goes in purges of their own. `of_subject` is how many messages of
    its subject the limit takes out at most, if that is known: while the order of all subjects is
    still being gathered, a stream may leave some for later.
    """

    subject: bytes
    headers: bytes
    payload: bytes
    ts: int  # ns
    rollup: Rollup = ""  # which older messages it replaces
    ends: bytes = b""  # subject of a schedule that this message ends
    later: bool = False
    of_subject: int = ANY
    last: int = ANY  # the sequence before it


@dataclass(frozen=True, slots=True)
class Leap:
    """Use up the sequences up to `last`, of which a mirror gets no messages. Result: the last."""

    last: int
    ts: int  # ns


@dataclass(frozen=True, slots=True)
class AppendBatch:
    """Keep all of these messages, which have passed every check, or none of them. `rollups` are
    (place of a message, filter): older messages of the filter go, or with `later` in purges of
    their own. A `plain` batch has no headers that mean anything to the stream. `of_subjects` as
    `Append.of_subject`, for each subject. Result: the last sequence."""

    messages: MessagePack
    ts: int  # ns
    rollups: tuple[tuple[int, bytes], ...] = ()
    plain: bool = False
    later: bool = False
    of_subjects: tuple[int, ...] = ()
    last: int = ANY


@dataclass(frozen=True, slots=True)
class Skip:
    """Use up the sequence of a message that no consumer is interested in; its headers still have
    their effects. Result: the sequence."""

    subject: bytes
    headers: bytes
    ts: int
    rollup: Rollup = ""
    ends: bytes = b""
    last: int = ANY


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete one message. Result: whether it was there."""

    seq: int
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Expire:
    """Remove these messages, whose time is over: they have expired, or no consumer needs them any
    more. Result: how many were there."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Purge:
    """Delete messages of `filter` below `up_to` (0 = all), sparing the newest `keep`. With `up_to`
    beyond the end and nothing but `>` to delete, the stream goes on there. For consumers it is
    a purge unless they have been `replaced` by a message. Result: how many went.
    """

    filter: bytes = b">"
    up_to: int = 0
    keep: int = 0
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Delete everything above `seq`: an incomplete batch that a crash has left. Result: 0."""

    seq: int


@dataclass(frozen=True, slots=True)
class Thin:
    """From `start` to `stop`, delete every message of whose subject there are more than
    `per_subject`. Result: 0."""

    per_subject: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Trim:
    """Delete the oldest messages beyond these limits (0 = none), `most` at most. Result: how many
    went."""

    max_msgs: int
    max_bytes: int
    most: int


@dataclass(frozen=True, slots=True)
class Configure:
    """From now on the stream has this valid configuration. Result: 0."""

    config: StreamConfig
    ts: int  # ns


@dataclass(frozen=True, slots=True)
class Follow:
    """A source (by its name in sources.db), or a mirror, has come to sequence `seq` of the origin
    with this identity without a message: it was a duplicate, the stored copy `told_by` (if not 0)
    tells, or it has just found its origin. Result: 0."""

    source: bytes
    seq: int
    identity: bytes
    told_by: int = 0


@dataclass(frozen=True, slots=True)
class Miss:
    """The schedule stored as `seq` under a subject could not publish when it was due, and is next
    `due` (ns; 0 = never again). Result: 0."""

    subject: bytes
    seq: int
    due: int


Operation = (
    Append | AppendBatch | Leap | Skip | Remove | Expire | Purge | Truncate | Thin | Trim
    | Configure | Follow | Miss
)  # fmt: skip
