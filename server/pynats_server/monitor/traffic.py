"""Messages and their bytes, as documents and events tell of them."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Counted(Protocol):
    """What counts them, see `core.figures`."""

    @property
    def in_msgs(self) -> int: ...

    @property
    def in_bytes(self) -> int: ...

    @property
    def out_msgs(self) -> int: ...

    @property
    def out_bytes(self) -> int: ...


class Moved(msgspec.Struct, kw_only=True):
    """Messages in one direction."""

    msgs: int = 0
    bytes: int = 0


class Traffic(msgspec.Struct, kw_only=True):
    """Messages in one direction, all together and those of other servers: a single one has none."""

    msgs: int
    bytes: int
    gateways: Moved = msgspec.field(default_factory=Moved)
    routes: Moved = msgspec.field(default_factory=Moved)
    leafs: Moved = msgspec.field(default_factory=Moved)


def moved_in(counted: Counted) -> Moved:
    """What came from clients."""
    return Moved(msgs=counted.in_msgs, bytes=counted.in_bytes)


def moved_out(counted: Counted) -> Moved:
    """What clients got."""
    return Moved(msgs=counted.out_msgs, bytes=counted.out_bytes)


def traffic_in(counted: Counted) -> Traffic:
    """As `moved_in`."""
    return Traffic(msgs=counted.in_msgs, bytes=counted.in_bytes)


def traffic_out(counted: Counted) -> Traffic:
    """As `moved_out`."""
    return Traffic(msgs=counted.out_msgs, bytes=counted.out_bytes)
