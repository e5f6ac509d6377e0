"""Answers as JSON in the real server's layout: two spaces, HTML-safe.

Long documents are made while they are sent: an answer is `Pieces`, some bytes at a time, and an
empty piece is the end of a step, where others may have their turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from pynats_server.said.json import compact

Pieces = Iterator[bytes]
PAUSE = b""  # the piece that ends a step
ITEMS = 32  # list items encoded in a step


def pretty(value: Any, depth: int = 0) -> bytes:
    """JSON with two spaces per level; all lines except the first are indented by `depth` levels."""
    formatted = msgspec.json.format(compact(value), indent=2)
    # JSON strings contain no newline, so every newline is layout.
    return formatted.replace(b"\n", b"\n" + b"  " * depth) if depth else formatted


class Document:
    """JSON in pieces: an object whose empty lists and objects are filled in while it is sent."""

    def __init__(self, value: Any, depth: int = 0) -> None:
        self._text = pretty(value, depth)
        self._depth = depth
        self._gaps: list[tuple[int, int, Iterable[Pieces]]] = []  # start, end, items

    def fill(self, field: str, items: Iterable[Pieces]) -> None:
        """Puts encoded items (two levels below this object) into a list that was encoded as `[]`,
        or those that `entry` has made into an object that was encoded as `{}`. An item without
        bytes ends a step. They are filled in their order."""
        # A newline before the name: only layout has one, so this cannot match a value.
        lead = b"\n" + b"  " * (self._depth + 1) + f'"{field}": '.encode()
        start = self._text.find(lead + b"[]")
        if start < 0:
            start = self._text.find(lead + b"{}")
        if start < 0:
            raise LookupError(f"no empty list or object {field!r} to fill")
        self._gaps.append((start + len(lead), start + len(lead) + 2, items))

    def pieces(self) -> Pieces:
        """The whole text."""
        at = 0
        for start, end, items in self._gaps:
            yield self._text[at:start]
            yield from self._filled(items, self._text[start:end])
            at = end
        yield self._text[at:]

    def _filled(self, items: Iterable[Pieces], empty: bytes) -> Pieces:
        inside = b"\n" + b"  " * (self._depth + 2)
        lead = empty[:1] + inside
        count = 0
        for item in items:
            begun = False
            for piece in item:
                if piece and not begun:
                    begun = True
                    yield lead
                    lead = b"," + inside
                    count += 1
                yield piece
            if not begun:
                yield PAUSE
        yield b"\n" + b"  " * (self._depth + 1) + empty[1:] if count else empty


def entry(key: str, value: bytes) -> bytes:
    """One item of an object, for `Document.fill`."""
    return compact(key) + b": " + value


_LAYOUT = re.compile(rb'\n *("(?:[^"\\]|\\.)*": )?')


def squeezed(piece: bytes) -> bytes:
    """A piece of a pretty document without its layout: a newline is never within a string, and a
    name stands at the begin of its line."""
    return _LAYOUT.sub(_without_space, piece)


def _without_space(found: re.Match[bytes]) -> bytes:
    name = found[1]
    return name[:-1] if name else b""


def encoded(items: Iterable[Any], depth: int, size: int = ITEMS) -> Iterator[Pieces]:
    """Encodes items one by one for `Document.fill`, with a pause after each `size` of them."""
    for count, item in enumerate(items, 1):
        yield iter((pretty(item, depth),))
        if count % size == 0:
            yield iter(())
