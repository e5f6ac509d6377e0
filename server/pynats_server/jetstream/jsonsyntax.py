"""The syntax of JSON request bodies: where a value ends, or what is wrong with it.

Clients see the complaints, so texts and offsets are those of the real server (Go's
encoding/json). Nothing here recurses: depth is bounded by `DEPTH_MAX` alone, and runs of plain
elements are skipped by one regular expression, so that a hostile body costs little.
"""

from __future__ import annotations

import re
from typing import Final

from pynats_server.trace_text import quote

DEPTH_MAX: Final = 10_000  # nested objects and arrays

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_CHARS: Final = rb'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+'
_STRING: Final = re.compile(rb'"' + _CHARS + rb'"')
_STRING_PART: Final = re.compile(_CHARS)
_DIGIT_RUN: Final = rb"(?:0|[1-9][0-9]*+)"
_WHOLE_NUMBER: Final = rb"-?" + _DIGIT_RUN + rb"(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_NUMBER: Final = re.compile(_WHOLE_NUMBER)
# As much of a number as is right: what follows is what is wrong.
_EXPONENT_PART: Final = rb"(?:[eE][+-]?[0-9]*+)?"
_NUMBER_PART: Final = re.compile(
    rb"-?(?:"
    + _DIGIT_RUN
    + rb"(?:\.(?:[0-9]++"
    + _EXPONENT_PART
    + rb")?|"
    + _EXPONENT_PART
    + rb"))?"
)
_GAP: Final = rb"[ \t\r\n]*+"
_SCALAR: Final = rb'(?:"' + _CHARS + rb'"|' + _WHOLE_NUMBER + rb"|true|false|null)"
_ELEMENTS: Final = re.compile(rb"(?:" + _GAP + _SCALAR + _GAP + rb",)*+")
_KEY: Final = _GAP + rb'"' + _CHARS + rb'"' + _GAP + rb":"
_MEMBERS: Final = re.compile(rb"(?:" + _KEY + _GAP + _SCALAR + _GAP + rb",)*+")
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_LITERALS: Final = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_DIGITS: Final = frozenset(b"0123456789")
_OPEN_OBJECT, _CLOSE_OBJECT = ord("{"), ord("}")
_OPEN_ARRAY, _CLOSE_ARRAY = ord("["), ord("]")

_VALUE: Final = "looking for beginning of value"
_KEY_START: Final = "looking for beginning of object key string"


class SyntaxProblem(ValueError):
    """What is wrong, and how many bytes were read to see it."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.text = text
        self.offset = offset


class Truncated(ValueError):
    """The body ends within a value."""


def skip_space(body: bytes, at: int) -> int:
    """The position of the next byte that is no white space; the length of `body` at its end."""
    found = _SPACE.match(body, at)
    return found.end() if found else at


def check_value(body: bytes, at: int) -> int:
    """The end of the value that begins at `at`, which may not be white space.

    Raises SyntaxProblem or Truncated.
    """
    open_: list[int] = []
    while True:
        at = _begin_value(body, at, open_)
        # A value is complete: go on in what contains it.
        while open_:
            at = skip_space(body, at)
            char = _byte(body, at)
            if char == open_[-1]:
                open_.pop()
                at += 1
            elif char == ord(","):
                at = _next_element(body, at + 1, open_[-1])
                break
            elif open_[-1] == _CLOSE_ARRAY:
                raise unexpected(body, at, "after array element")
            else:
                raise unexpected(body, at, "after object key:value pair")
        else:
            return at


def _begin_value(body: bytes, at: int, open_: list[int]) -> int:
    """Reads a scalar or an empty container whole; opens containers until there is one."""
    while True:
        at = skip_space(body, at)
        char = _byte(body, at)
        if char not in (_OPEN_OBJECT, _OPEN_ARRAY):
            return _check_scalar(body, at, char)
        if len(open_) == DEPTH_MAX:
            raise SyntaxProblem("exceeded max depth", at + 1)
        close = char + 2
        at = skip_space(body, at + 1)
        if _byte(body, at) == close:
            return at + 1
        open_.append(close)
        at = _next_element(body, at, close)


def _next_element(body: bytes, at: int, close: int) -> int:
    """Skips plain elements; gives the position of the value after them, past its key."""
    if close == _CLOSE_ARRAY:
        run = _ELEMENTS.match(body, at)
        return run.end() if run else at
    run = _MEMBERS.match(body, at)
    at = skip_space(body, run.end() if run else at)
    if _byte(body, at) != ord('"'):
        raise unexpected(body, at, _KEY_START)
    at = skip_space(body, _check_string(body, at))
    if _byte(body, at) != ord(":"):
        raise unexpected(body, at, "after object key")
    return at + 1


def _check_scalar(body: bytes, at: int, char: int) -> int:
    if char == ord('"'):
        return _check_string(body, at)
    if char == ord("-") or char in _DIGITS:
        return _check_number(body, at)
    literal = _LITERALS.get(char)
    if literal is None:
        raise unexpected(body, at, _VALUE)
    for index, wanted in enumerate(literal):
        if _byte(body, at + index) != wanted:
            where = f"in literal {literal.decode()} (expecting '{chr(wanted)}')"
            raise unexpected(body, at + index, where)
    return at + len(literal)


def _check_string(body: bytes, at: int) -> int:
    whole = _STRING.match(body, at)
    if whole:
        return whole.end()
    part = _STRING_PART.match(body, at + 1)
    at = part.end() if part else at + 1
    if _byte(body, at) != ord("\\"):
        raise unexpected(body, at, "in string")
    length = 6 if _byte(body, at + 1) == ord("u") else 2
    sequence = body[at : at + length]
    if len(sequence) < length and re.fullmatch(rb"\\u[0-9a-fA-F]*", sequence):
        raise Truncated
    raise SyntaxProblem(
        f"invalid escape sequence {_quote_sequence(sequence)} in string", at + len(sequence)
    )


def _check_number(body: bytes, at: int) -> int:
    whole, part = _NUMBER.match(body, at), _NUMBER_PART.match(body, at)
    if whole and part and whole.end() == part.end():
        return whole.end()
    stop = part.end() if part else at
    _byte(body, stop)
    raise unexpected(body, stop, "in numeric literal")


def _quote_sequence(sequence: bytes) -> str:
    """In back quotes where that is readable."""
    text = sequence.decode("utf-8", "surrogateescape")
    if all(char.isprintable() and char not in "` " for char in text):
        return f"`{text}`"
    return quote(sequence)


def _byte(body: bytes, at: int) -> int:
    if at >= len(body):
        raise Truncated
    return body[at]


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


def end_of_value(body: bytes, at: int) -> int:
    """The end of a value that `check_value` has passed."""
    char = body[at]
    if char == ord('"'):
        found = _STRING.match(body, at)
    elif char in (_OPEN_OBJECT, _OPEN_ARRAY):
        return _end_of_container(body, at)
    elif char in _LITERALS:
        return at + len(_LITERALS[char])
    else:
        found = _NUMBER.match(body, at)
    assert found is not None, "the value was checked"
    return found.end()


def _end_of_container(body: bytes, at: int) -> int:
    depth = 0
    for part in _STRUCTURE.finditer(body, at):
        char = body[part.start()]
        if char in (_OPEN_OBJECT, _OPEN_ARRAY):
            depth += 1
        elif char in (_CLOSE_OBJECT, _CLOSE_ARRAY):
            depth -= 1
            if depth == 0:
                return part.end()
    raise AssertionError("the value was checked")


_ESCAPE: Final = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(.)"
)
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LONE: Final = re.compile("[\ud800-\udfff]")
REPLACEMENT: Final = "\ufffd"


def string_at(body: bytes, at: int, end: int) -> str:
    """The text of the checked string between `at` and `end`, its quotes included in the span.

    Bytes that are not UTF-8 and halves of surrogate pairs become U+FFFD, one each.
    """
    text = body[at + 1 : end - 1].decode("utf-8", "surrogateescape")
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    if text.isascii():
        return text
    return _LONE.sub(REPLACEMENT, text)


def _unescaped(found: re.Match[str]) -> str:
    high, low, unit, short = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    if unit:
        return chr(int(unit, 16))
    return _SHORT.get(short, short)
