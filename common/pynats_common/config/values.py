"""The parsed form of a configuration: plain values, each with its position in the text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from pynats_common.config.source import Position, Source

Scalar: TypeAlias = str | bool | int | float | datetime
NodeMap: TypeAlias = dict[str, "Node"]
NodeValue: TypeAlias = Scalar | list["Node"] | NodeMap
Plain: TypeAlias = Scalar | list["Plain"] | dict[str, "Plain"]


PARSE_ERROR = "Parse error"  # client libraries look for these words of the real server


class ConfigError(Exception):
    """The configuration cannot be used.

    `str()` is `file:line:col: message`, or only the message if the position is unknown.
    """

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"{self.position}: {self.message}" if self.position else self.message


class Node:
    """One value of a configuration.

    Complaints about the value point to `position`: the key of an entry of a map, or the element of
    an array, which is at `offset` of `source`. `used` means that a variable referred to it, so it
    is legitimate even as an unknown top-level key. The representation hides the value, because it
    may be a secret.
    """

    __slots__ = ("offset", "source", "used", "value")

    def __init__(self, value: NodeValue, source: Source, offset: int) -> None:
        self.value = value
        self.source = source
        self.offset = offset
        self.used = False

    @property
    def position(self) -> Position:
        return self.source.position(self.offset)

    def __repr__(self) -> str:
        return f"<{kind_of(self.value)} at {self.position}>"

    def plain(self) -> Plain:
        """The value without positions."""
        return plain(self.value)


def plain(value: NodeValue) -> Plain:
    """`value` with every node in it replaced by its bare value."""
    if isinstance(value, dict):
        return {key: plain(node.value) for key, node in value.items()}
    if isinstance(value, list):
        return [plain(node.value) for node in value]
    return value


def kind_of(value: NodeValue) -> str:
    """The name of `value`'s type in messages."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "float"
        case str():
            return "string"
        case datetime():
            return "datetime"
        case list():
            return "array"
    return "map"


def walk(entries: NodeMap) -> Iterator[Node]:
    """Every node of a document, parents first."""
    pending = list(entries.values())[::-1]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node.value, dict):
            pending.extend(reversed(node.value.values()))
        elif isinstance(node.value, list):
            pending.extend(reversed(node.value))
