"""Headers of messages: several of one name, and the block as it was on the wire."""

from __future__ import annotations

from enum import Enum
from typing import Any

from nats.aio.msg import Msg


class Headers(dict[str, str]):
    """Message headers that may repeat a name.

    nats-py passes headers as a mapping: reading a name gives the last value, `items()` all pairs.
    `raw` are those that were received, as they were.
    """

    def __init__(self, pairs: list[tuple[str, str]], raw: bytes = b"") -> None:
        super().__init__(pairs)
        self.pairs = pairs
        self.raw = raw

    def items(self) -> Any:
        return list(self.pairs)


def header_block(message: Msg) -> bytes:
    """The headers of a message as they were received; empty without."""
    headers = message.headers
    return b"NATS/1.0\r\n" + headers.raw if isinstance(headers, Headers) else b""


def header_pairs(message: Msg) -> list[tuple[str, str]]:
    """All headers of a message in order."""
    headers = message.headers
    # nats-py names the fields of a status line by members of an enumeration.
    return [
        (str(name.value) if isinstance(name, Enum) else name, value)
        for name, value in (headers.items() if headers else ())
    ]


def header_lines(block: bytes) -> list[tuple[str, str]]:
    """The headers in a block, in order."""
    pairs = []
    lines = block.split(b"\r\n")
    if lines[0].startswith(b"NATS/1.0"):
        _, code, *text = [*lines.pop(0).split(b" ", 2), b""]
        if code.strip():
            pairs += [("Status", _header_text(code)), ("Description", _header_text(text[0]))]
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon:
            pairs.append((name.decode("utf-8", "replace"), _header_text(value)))
    return pairs


def _header_text(value: bytes) -> str:
    return value.strip().decode("utf-8", "replace")
