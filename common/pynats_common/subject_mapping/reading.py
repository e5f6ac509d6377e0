"""Subject mappings: a source pattern, and a destination built from the tokens its wildcards match.

Reads a pair of patterns into pieces: texts, tokens of the subject, and functions of tokens.
Notation (docs.nats.io/nats-concepts/subject_mapping), corner cases and error texts are those of the
real server. `pynats_common.subject_mapping.renaming` puts the pieces together.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final, Literal, NamedTuple, TypeAlias

from pynats_common.go.text import bytes_of
from pynats_common.subjects import is_valid_subject

_NOT_ENOUGH = "not enough arguments passed to the function"
_TOO_MANY = "too many arguments passed to the function"
_BAD_ARGUMENT = "function argument is invalid or in the wrong format"
_OUT_OF_RANGE = "wildcard index out of range"
_UNKNOWN = "unknown function"
_INVALID = "invalid transform"
_NOT_ALL_USED = "not using all of the token wildcard(s)"
_WILDCARD_ONLY = "the only mapping function allowed for import transforms is {{Wildcard()}}"

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_COMMA = re.compile(r",[\t\n\f\r ]*")
_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1
_INT64_DIGITS = 19

_Function: TypeAlias = Literal[
    "wildcard",
    "partition",
    "splitfromleft",
    "splitfromright",
    "slicefromleft",
    "slicefromright",
    "split",
    "left",
    "right",
    "random",
]


def _call_of(words: str) -> re.Pattern[str]:
    # The first letter of every word may be of either case, the others are lower case.
    name = "".join(f"[{word[0]}{word[0].upper()}]{word[1:]}" for word in words.split())
    return re.compile(r"\{\{[\t\n\f\r ]*" + name + r"[\t\n\f\r ]*\(")


_END_OF_CALL = re.compile(r"\)[\t\n\f\r ]*\}\}")


# A token may hold several calls; the first entry found anywhere in it counts.
_CALLS: Final[tuple[tuple[_Function, re.Pattern[str]], ...]] = (
    ("wildcard", _call_of("wildcard")),
    ("partition", _call_of("partition")),
    ("splitfromleft", _call_of("split from left")),
    ("splitfromright", _call_of("split from right")),
    ("slicefromleft", _call_of("slice from left")),
    ("slicefromright", _call_of("slice from right")),
    ("split", _call_of("split")),
    ("left", _call_of("left")),
    ("right", _call_of("right")),
    ("random", _call_of("random")),
)


Piece: TypeAlias = bytes | int | tuple[str, tuple[int, ...], int, bytes]
"""Texts, numbers and functions. A number n >= 0 is token n of the subject, from 0; n < 0 is
everything from token -1 - n on, so -1 is the subject itself. A function is (name, numbers as
before, size, delimiter)."""


class TransformError(ValueError):
    """The pair of source and destination is refused; the text is what the API reports.

    `in_source` tells which of the two is wrong, for APIs that have a code for each.
    """

    def __init__(self, text: str, in_source: bool = False) -> None:
        super().__init__(text)
        self.in_source = in_source


def _destination_error(reason: str, token: str = "") -> TransformError:
    where = f" in {token}" if token else ""
    return TransformError(f"invalid mapping destination: {reason}{where}")


class _Call(NamedTuple):
    """A destination token that is not literal."""

    function: _Function
    indexes: tuple[int, ...] = ()
    number: int = 0
    delimiter: str = ""


class Mapping(NamedTuple):
    """A pair of patterns: the tokens of the source, and the pieces of the destination."""

    source: list[str]
    pieces: list[Piece]


def read_mapping(src: str, dest: str, strict: bool = False) -> Mapping:
    """The mapping from `src` to `dest`.

    An empty source is `>`; with an empty destination matching subjects stay unchanged.
    `strict` is for imports, whose mapping must be reversible: only wildcards are allowed and
    every wildcard of the source must be used. (An import of a literal subject has no
    mapping: its local name is used unchanged.) Raises TransformError.
    """
    if src and not is_valid_subject(src):
        raise TransformError(f"invalid subject {src}", in_source=True)
    source = (src or ">").split(".")
    if not dest:
        return Mapping(source, [-1])
    tokens = dest.split(".")
    if not strict:
        _check_tokens(dest)
    elif "" in tokens or ">" in tokens[:-1]:
        raise TransformError("invalid subject")
    open_ended = source[-1] == ">"
    if "*" in tokens or (tokens[-1] == ">") != open_ended:
        raise TransformError("invalid subject")
    calls = _read_calls(source, tokens, strict, dest)
    return Mapping(source, _pieces(source, tokens, calls))


def wildcards_of(dest: str) -> list[int | None]:
    """Which wildcard of the source, from 1, each token of a destination is; None = none of them."""
    calls = [_read_call(token) for token in dest.split(".")]
    return [c.indexes[0] if c is not None and c.function == "wildcard" else None for c in calls]


def source_pattern(tokens: list[str]) -> re.Pattern[bytes]:
    """A pattern for whole subjects that the source's tokens match."""
    token = rb"(?:[^.*>][^.]*|[^.]{2,})"  # the literal subject `a.*` is never mapped
    wild = {"*": token, ">": token + rb"(?:\." + token + b")*"}
    return re.compile(rb"\.".join(wild.get(name, re.escape(bytes_of(name))) for name in tokens))


def _looks_like_call(token: str) -> bool:
    return len(token) > 4 and token.startswith("{{") and token.endswith("}}")


def _check_tokens(dest: str) -> None:
    """First pass: the form of each token, before its meaning."""
    ended = False
    for token in dest.split("."):
        if not token or ended:
            raise _destination_error(_INVALID, token)
        if _looks_like_call(token):
            if _find_call(token) is None:
                raise _destination_error(_UNKNOWN, token)
        elif token == ">":
            ended = True
        elif any(char in token for char in "\t\n\f\r "):
            raise _destination_error(_INVALID)


def _find_call(token: str) -> tuple[_Function, str] | None:
    """The function that a token calls, and the text of its arguments."""
    ends: list[int] | None = None
    for function, pattern in _CALLS:
        line_end = 0  # of the line of the last call that has begun and does not end
        for begun in pattern.finditer(token):
            start = begun.end()
            if start < line_end:
                continue
            if ends is None:
                ends = [end.start() for end in _END_OF_CALL.finditer(token)]
            # The arguments go to the last end in the line in which they begin.
            line_end = token.find("\n", start)
            line_end = len(token) if line_end < 0 else line_end
            last = bisect_left(ends, line_end) - 1
            if last >= 0 and ends[last] >= start:
                return function, token[start : ends[last]]
    return None


def _integer(text: str) -> int | None:
    text = text.strip(" ")
    if _INTEGER.fullmatch(text) is None:
        return None
    sign, digits = text[: -len(text.lstrip("+-"))], text.lstrip("+-").lstrip("0")
    if len(digits) > _INT64_DIGITS:  # int() would refuse thousands of them, zeros too
        return None
    value = int(f"{sign}{digits or 0}")
    return value if -_INT64_MAX - 1 <= value <= _INT64_MAX else None


def _as_int32(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def _read_call(token: str) -> _Call | None:
    """The function of a destination token; None when the token is literal."""
    if token.startswith("$") and len(token) > 1:
        index = _integer(token[1:]) if " " not in token else None
        return None if index is None else _Call("wildcard", (index,))
    if not _looks_like_call(token):
        return None
    found = _find_call(token)
    if found is None:
        raise _destination_error(_UNKNOWN, token)
    function, arguments = found
    return _read_arguments(token, function, _COMMA.split(arguments))


def _read_arguments(token: str, function: _Function, arguments: list[str]) -> _Call:
    def number(text: str) -> int:
        value = _integer(text)
        if value is None:
            raise _destination_error(_BAD_ARGUMENT, token)
        return value

    def limited(text: str) -> int:
        value = number(text)
        if value > _INT32_MAX:
            raise _destination_error(_BAD_ARGUMENT, token)
        return value

    def expect(count: int) -> None:
        if len(arguments) != count:
            raise _destination_error(_NOT_ENOUGH if len(arguments) < count else _TOO_MANY, token)

    if function == "wildcard":
        if arguments == [""]:
            raise _destination_error(_NOT_ENOUGH, token)
        expect(1)
        return _Call(function, (number(arguments[0]),))
    if function == "partition":
        buckets = limited(arguments[0])
        return _Call(function, tuple(number(text) for text in arguments[1:]), _as_int32(buckets))
    if function == "random":
        if len(arguments) != 1:
            raise _destination_error(_NOT_ENOUGH, token)
        return _Call(function, (), _as_int32(limited(arguments[0])))
    expect(2)
    index = number(arguments[0])
    if function == "split":
        if " " in arguments[1]:
            raise _destination_error(_BAD_ARGUMENT, token)
        return _Call(function, (index,), 0, arguments[1])
    size = limited(arguments[1])
    if size < -_INT32_MAX - 1:
        raise _destination_error(_BAD_ARGUMENT, token)
    return _Call(function, (index,), size)


def _read_calls(
    source: list[str], tokens: list[str], strict: bool, dest: str
) -> list[_Call | None]:
    """Second pass: every wildcard that the destination names must exist in the source."""
    stars = source.count("*")
    literal_source = not stars and source[-1] != ">"
    calls: list[_Call | None] = []
    used = 0
    for token in tokens:
        call = _read_call(token)
        calls.append(call)
        if call is None:
            continue
        if strict and call.function != "wildcard":
            raise _destination_error(_WILDCARD_ONLY, token)
        if literal_source:
            if call.function not in ("partition", "random"):
                raise _destination_error(_OUT_OF_RANGE, token)
            continue
        for index in call.indexes:
            if index > stars:
                raise _destination_error(_OUT_OF_RANGE, f"{token}: [{index}]")
        used += len(call.indexes)
    if strict and used < stars:
        raise _destination_error(_NOT_ALL_USED, dest)
    return calls


def _pieces(source: list[str], tokens: list[str], calls: list[_Call | None]) -> list[Piece]:
    """What the destination's tokens are made of, with the dots between them."""
    stars = [place for place, token in enumerate(source) if token == "*"]
    literal = not stars and source[-1] != ">"
    pieces: list[Piece] = []
    text = b""
    for number, (token, call) in enumerate(zip(tokens, calls, strict=True)):
        text += b"." if number else b""
        if call is None and token != ">":
            text += bytes_of(token)
            continue
        if text:
            pieces.append(text)
            text = b""
        if call is None:
            pieces.append(-len(source))
            continue
        # An index below 1 means the first token of the subject.
        indexes = () if literal else call.indexes
        places = tuple(stars[index - 1] if index > 0 else 0 for index in indexes)
        if call.function == "wildcard":
            pieces.append(places[0])
        else:
            pieces.append((call.function, places, call.number, bytes_of(call.delimiter)))
    return [*pieces, text] if text else pieces
