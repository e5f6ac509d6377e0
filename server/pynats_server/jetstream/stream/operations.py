"""What can happen to a stream, as data.

A stream is a deterministic state machine: it `propose`s an operation, and whoever orders
operations (the stream itself with one replica, a replicated log with more) has it `apply`-ed.
Operations carry everything the outcome depends on, the time included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pynats_server.jetstream.publish.batch.staging import MessagePack

Rollup = Literal["", "sub", "all"]


@dataclass(frozen=True, slots=True)
class Append:
    """Keep a message that has passed every check. Result: its sequence."""

    subject: bytes
    headers: bytes
    payload: bytes
    ts: int  # ns
    rollup: Rollup = ""  # which older messages it replaces
    ends: bytes = b""  # subject of a schedule that this message ends


@dataclass(frozen=True, slots=True)
class Leap:
    """Use up the sequences up to `last`, of which a mirror gets no messages. Result: the last."""

    last: int
    ts: int  # ns


@dataclass(frozen=True, slots=True)
class AppendBatch:
    """Keep all of these messages, which have passed every check, or none of them. `rollups` are
    (place of a message, filter): older messages of the filter go. A `plain` batch has no headers
    that mean anything to the stream. Result: the last sequence."""

    messages: MessagePack
    ts: int  # ns
    rollups: tuple[tuple[int, bytes], ...] = ()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """Use up the sequence of a message that no consumer is interested in; its headers still have
    their effects. Result: the sequence."""

    subject: bytes
    headers: bytes
    ts: int
    rollup: Rollup = ""
    ends: bytes = b""


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete one message. Result: whether it was there."""

    seq: int
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Purge:
    """Delete messages of `filter` below `up_to` (0 = all), sparing the newest `keep`.
    Result: how many went."""

    filter: bytes = b">"
    up_to: int = 0
    keep: int = 0


Operation = Append | AppendBatch | Leap | Skip | Remove | Purge
