"""A JSON object from outside, with the real server's complaints about what is no such thing.

A wrong value is only complained about when the whole text is JSON; the first one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from pynats_common.go.text import clean

from pynats_server.jetstream.requests import syntax

BODY_MAX: Final = 1 << 16  # bytes: names of a thousand accounts
UINT64_MAX: Final = 2**64 - 1


class BadBody(ValueError):
    """What is wrong with it."""


@dataclass(frozen=True, slots=True)
class Number:
    name: str
    low: int
    high: int


INT: Final = Number("int", -(2**63), 2**63 - 1)
UINT64: Final = Number("uint64", 0, UINT64_MAX)
TEXT: Final = "string"
FLAG: Final = "bool"
TEXTS: Final = "[]string"


@dataclass(frozen=True, slots=True)
class Named:
    """A text that complaints call by a type of its own."""

    name: str


Kind = Number | Named | str
Fields = Mapping[str, tuple[str, Kind]]  # name in JSON: name here, kind

_KINDS: Final = {
    ord("{"): "object", ord("["): "array", ord('"'): "string",
    ord("t"): "bool", ord("f"): "bool", ord("n"): "null",
}  # fmt: skip


def decode_fields(body: bytes, type_: str, fields: Fields) -> dict[str, Any]:
    """The values of `fields`; an empty text is no JSON. `type_` is what complaints call it. Raises
    BadBody."""
    if len(body) > BODY_MAX:
        raise BadBody(f"the request is longer than {BODY_MAX} bytes")
    at = syntax.skip_space(body, 0)
    try:
        end = syntax.skip_space(body, syntax.check_value(body, at))
        if end < len(body):
            raise syntax.unexpected(body, end, "after top-level value")
    except syntax.SyntaxProblem as problem:
        raise BadBody(problem.text) from None
    except syntax.Truncated:
        raise BadBody("unexpected end of JSON input") from None
    kind = _kind(body, at)
    if kind == "null":
        return {}
    if kind != "object":
        raise BadBody(f"json: cannot unmarshal {kind} into Go value of type server.{type_}")
    found: dict[str, Any] = {}
    for key_at, key_end, start, stop in syntax.members(body, at):
        key = syntax.string_at(body, key_at, key_end)
        name = key if key in fields else key.lower()
        if name in fields and _kind(body, start) != "null":
            attribute, wanted = fields[name]
            found[attribute] = _value(body, start, stop, wanted, f"{type_}.{key}")
    return found


def _kind(body: bytes, at: int) -> str:
    return _KINDS.get(body[at], "number")


def _value(body: bytes, at: int, end: int, wanted: Kind, place: str) -> Any:
    kind = _kind(body, at)
    if isinstance(wanted, Number):
        return _number(body[at:end], kind, wanted, place)
    if wanted == FLAG and kind == "bool":
        return body[at] == ord("t")
    if wanted == TEXTS and kind == "array":
        return _texts(body, at, end, place)
    if (wanted == TEXT or isinstance(wanted, Named)) and kind == "string":
        return syntax.string_at(body, at, end)
    raise _mismatch(kind, place, wanted if isinstance(wanted, str) else wanted.name)


def _number(raw: bytes, kind: str, wanted: Number, place: str) -> int:
    if kind != "number":
        raise _mismatch(kind, place, wanted.name)
    whole = len(raw) <= 20 and raw.removeprefix(b"-").isdigit()
    if (
        not whole
        or not wanted.low <= int(raw) <= wanted.high
        or (raw[:1] == b"-" and not wanted.low)
    ):
        raise _mismatch(f"number {raw.decode()}", place, wanted.name)
    return int(raw)


def _texts(body: bytes, at: int, end: int, place: str) -> tuple[str, ...]:
    try:
        return tuple(map(clean, msgspec.json.decode(body[at:end], type=list[str])))
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # something in it is no proper string
    found: list[str] = []
    for index, (start, stop) in enumerate(syntax.elements(body, at)):
        kind = _kind(body, start)
        if kind not in ("string", "null"):
            # As in the real server, without "Go struct field".
            raise BadBody(f"json: cannot unmarshal {kind} into {place}.{index} of type string")
        found.append(syntax.string_at(body, start, stop) if kind == "string" else "")
    return tuple(found)


def _mismatch(kind: str, place: str, wanted: str) -> BadBody:
    return BadBody(f"json: cannot unmarshal {kind} into Go struct field {place} of type {wanted}")
