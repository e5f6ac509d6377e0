"""The syntax of JSON request bodies: where a value ends, or what is wrong with it.

Clients see the complaints, so texts and offsets are those of the real server (Go's
encoding/json). Nothing here recurses: depth is bounded by `DEPTH_MAX` alone.
"""

from __future__ import annotations

import re
from typing import Final

from pynats_common.go.quoting import quote
from pynats_common.go.text import clean, raw_text

from pynats_server.jetstream.requests import scan
from pynats_server.jetstream.requests.scan import DEPTH_MAX, elements, members, skip_space

_PLACES: Final = {
    scan.VALUE: "looking for beginning of value",
    scan.KEY: "looking for beginning of object key string",
    scan.AFTER_KEY: "after object key",
    scan.AFTER_MEMBER: "after object key:value pair",
    scan.AFTER_ELEMENT: "after array element",
    scan.STRING: "in string",
    scan.NUMBER: "in numeric literal",
}
_LITERALS: Final = (b"true", b"false", b"null")


class SyntaxProblem(ValueError):
    """What is wrong, and how many bytes were read to see it."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.text = text
        self.offset = offset


class Truncated(ValueError):
    """The body ends within a value."""


def check_value(body: bytes, at: int) -> int:
    """The end of the value that begins at `at`. Raises SyntaxProblem or Truncated."""
    at, reason = scan.scan(body, at)
    if reason == scan.OK:
        return at
    if reason == scan.TRUNCATED:
        raise Truncated
    if reason == scan.DEPTH:
        raise SyntaxProblem("exceeded max depth", at + 1)
    if reason == scan.ESCAPE:
        sequence = body[at : at + (6 if body[at + 1] == ord("u") else 2)]
        raise SyntaxProblem(
            f"invalid escape sequence {_quote_sequence(sequence)} in string", at + len(sequence)
        )
    if reason == scan.LITERAL:
        raise unexpected(body, at, _literal_place(body, at))
    raise unexpected(body, at, _PLACES[reason])


def _literal_place(body: bytes, at: int) -> str:
    """Which letter should be at `at`, after those of a literal that are there."""
    for literal in _LITERALS:
        for length in range(1, len(literal)):
            if body[at - length : at] == literal[:length]:
                return f"in literal {literal.decode()} (expecting '{chr(literal[length])}')"
    raise AssertionError("a literal begins before its end is missed")


def _quote_sequence(sequence: bytes) -> str:
    """In back quotes where that is readable."""
    text = raw_text(sequence)
    if all(char.isprintable() and char not in "` " for char in text):
        return f"`{text}`"
    return quote(sequence)


def unexpected(body: bytes, at: int, where: str) -> SyntaxProblem:
    """The complaint about the character at `at`."""
    char = bytes([body[at]])
    for length in (2, 3, 4):
        try:
            body[at : at + length].decode()
        except UnicodeDecodeError:
            continue
        char = char if body[at] < 0x80 else body[at : at + length]
        break
    shown = {b"'": "'\\''", b'"': "'\"'"}.get(char) or f"'{quote(char)[1:-1]}'"
    return SyntaxProblem(f"invalid character {shown} {where}", at + len(char))


_ESCAPE: Final = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(.)"
)
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def string_at(body: bytes, at: int, end: int) -> str:
    """The text of the checked string between `at` and `end`, its quotes included in the span.

    Bytes that are not UTF-8 and halves of surrogate pairs become U+FFFD, one each.
    """
    text = raw_text(body[at + 1 : end - 1])
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return clean(text)


def _unescaped(found: re.Match[str]) -> str:
    high, low, unit, short = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    if unit:
        return chr(int(unit, 16))
    return _SHORT.get(short, short)


__all__ = [
    "DEPTH_MAX",
    "SyntaxProblem",
    "Truncated",
    "check_value",
    "elements",
    "members",
    "skip_space",
    "string_at",
    "unexpected",
]
