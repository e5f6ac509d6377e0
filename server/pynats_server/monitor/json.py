"""Answers as JSON in the real server's layout: two spaces, HTML-safe. Long lists are written in
slices, so that the data plane keeps running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import msgspec
from pynats_common.go.json import html_safe

T = TypeVar("T")
SLICE = 512  # list items before the loop runs again
_encoder = msgspec.json.Encoder()


def compact(value: Any) -> bytes:
    """JSON on one line."""
    return html_safe(_encoder.encode(value))


def pretty(value: Any, depth: int = 0) -> bytes:
    """JSON with two spaces per level; all lines except the first are indented by `depth` levels."""
    formatted = msgspec.json.format(html_safe(_encoder.encode(value)), indent=2)
    # JSON strings contain no newline, so every newline is layout.
    return formatted.replace(b"\n", b"\n" + b"  " * depth) if depth else formatted


class Document:
    """JSON in pieces: an object whose empty lists are filled in afterwards."""

    def __init__(self, value: Any, depth: int = 0) -> None:
        self._parts = [pretty(value, depth)]
        self._depth = depth

    async def fill(self, field: str, items: AsyncIterator[list[bytes]]) -> None:
        """Puts encoded items (two levels below this object) into a list that was encoded as
        `[]`."""
        inside = b"\n" + b"  " * (self._depth + 2)
        parts: list[bytes] = []
        async for item in items:
            parts.append(b"," + inside if parts else b"[" + inside)
            parts.extend(item)
        if parts:
            self._replace(field, [*parts, b"\n" + b"  " * (self._depth + 1) + b"]"])

    def _replace(self, field: str, parts: list[bytes]) -> None:
        # A newline before the name: only layout has one, so this cannot match a value.
        lead = b"\n" + b"  " * (self._depth + 1) + f'"{field}": '.encode()
        for index, part in enumerate(self._parts):
            before, found, after = part.partition(lead + b"[]")
            if found:
                self._parts[index : index + 1] = [before + lead, *parts, after]
                return
        raise LookupError(f"no empty list {field!r} to fill")

    def parts(self) -> list[bytes]:
        """The whole text, as pieces in order."""
        return self._parts


def slices(items: Iterable[T], size: int = SLICE) -> Iterator[list[T]]:
    """Consecutive lists of at most `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


async def encoded(
    items: Iterable[Any], depth: int, size: int = SLICE
) -> AsyncIterator[list[bytes]]:
    """Encodes items one by one for `Document.fill`, yielding to the loop after each slice of
    `size`."""
    for batch in slices(items, size):
        for item in batch:
            yield [pretty(item, depth)]
        await give_way()


async def give_way() -> None:
    """Lets the loop serve its sockets."""
    await asyncio.sleep(0)
