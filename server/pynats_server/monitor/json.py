"""Answers as JSON, laid out like the real server's: two spaces, HTML-safe, long lists written in
slices so that the data plane keeps running meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
SLICE = 512  # list items between two looks at the loop
_encoder = msgspec.json.Encoder()


def compact(value: Any) -> bytes:
    """JSON on one line."""
    return _html_safe(_encoder.encode(value))


def pretty(value: Any, depth: int = 0) -> bytes:
    """JSON with two spaces per level; all lines but the first are moved in by `depth` levels."""
    formatted = msgspec.json.format(_html_safe(_encoder.encode(value)), indent=2)
    # No newline stands inside a JSON string, so every one is layout.
    return formatted.replace(b"\n", b"\n" + b"  " * depth) if depth else formatted


def _html_safe(data: bytes) -> bytes:
    for char, escape in _UNSAFE:
        if char in data:
            data = data.replace(char, escape)
    return data


_UNSAFE = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


class Document:
    """JSON in pieces: an object whose empty lists are filled in afterwards."""

    def __init__(self, value: Any, depth: int = 0) -> None:
        self._parts = [pretty(value, depth)]
        self._depth = depth

    async def fill(self, field: str, items: AsyncIterator[list[bytes]]) -> None:
        """Puts items (each already encoded, two levels below this object) into a list that was
        encoded as `[]`."""
        inside = b"\n" + b"  " * (self._depth + 2)
        parts: list[bytes] = []
        async for item in items:
            parts.append(b"," + inside if parts else b"[" + inside)
            parts.extend(item)
        if parts:
            self._replace(field, [*parts, b"\n" + b"  " * (self._depth + 1) + b"]"])

    def _replace(self, field: str, parts: list[bytes]) -> None:
        # A newline before the name: only layout has one, so no value can look like this.
        lead = b"\n" + b"  " * (self._depth + 1) + f'"{field}": '.encode()
        for index, part in enumerate(self._parts):
            before, found, after = part.partition(lead + b"[]")
            if found:
                self._parts[index : index + 1] = [before + lead, *parts, after]
                return
        raise LookupError(f"no empty list {field!r} to fill")

    def parts(self) -> list[bytes]:
        """The whole as pieces in order."""
        return self._parts


def slices(items: Iterable[T], size: int = SLICE) -> Iterator[list[T]]:
    """Consecutive lists of at most `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


async def encoded(
    items: Iterable[Any], depth: int, size: int = SLICE
) -> AsyncIterator[list[bytes]]:
    """Encodes items one by one for `Document.fill`, giving way after each slice of `size`."""
    for batch in slices(items, size):
        for item in batch:
            yield [pretty(item, depth)]
        await give_way()


async def give_way() -> None:
    """Lets the loop serve its sockets."""
    await asyncio.sleep(0)
