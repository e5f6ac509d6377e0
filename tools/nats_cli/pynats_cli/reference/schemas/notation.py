"""The short form of schemas, and what it says in JSON Schema draft 7.

A schema is an object of fields, `"name"` for a required and `"name?"` for an optional one. What a
field holds is one of

    "uint64"            a kind of value, see `KINDS`
    "0..5"              a whole number in this range
    "file|memory"       one of these words; "|" first allows the empty word
    "@id"               the identifier of the schema itself
    "$stream_config"    a type that several schemas share (`data/types.json`)
    [form]              a list
    {"name": ...}       an object of fields
    {"@each": form}     an object whose names are free
    {"@null": form}     this, or null
    {"@enum": [...]}    one of these values

Besides its fields an object can say: `"@answer": true`, these are the fields of a request's answer
unless it holds an `error`; `"@with": ["type"]`, the fields of that type, too; and `"@needs":
{field: {value: other}}`, with that value of the field the other one is required.

Objects are open: newer servers add fields, and these are no mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MOST_SIGNED = 2**63 - 1
MOST_UNSIGNED = 2**64 - 1
_RELEASE = r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$"


def _whole(least: int | None = None, most: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "integer"}
    if least is not None:
        found["minimum"] = least
    if most is not None:
        found["maximum"] = most
    return found


def _text(**rules: Any) -> dict[str, Any]:
    return {"type": "string", **rules}


KINDS: Mapping[str, dict[str, Any]] = {
    "any": {},
    "object": {"type": "object"},
    "null": {"type": "null"},
    "bool": {"type": "boolean"},
    "number": {"type": "number"},
    "int": _whole(),
    "count": _whole(0, MOST_SIGNED),
    "positive": _whole(1, MOST_UNSIGNED),
    "limit": _whole(-1, MOST_SIGNED),
    "limit32": _whole(-1, 2**31 - 1),
    "int64": _whole(-MOST_SIGNED - 1, MOST_SIGNED),
    "uint64": _whole(0, MOST_UNSIGNED),
    "uint16": _whole(0, 2**16 - 1),
    "string": _text(),
    "text": _text(minLength=1),
    "description": _text(maxLength=4096),
    "time": _text(format="date-time"),
    # Names of streams and consumers, of services, and releases of services.
    "name": _text(minLength=1, pattern="^[^.*>]+$"),
    "maybe_name": _text(pattern="^[^.*>]*$"),
    "word": _text(minLength=1, pattern="^[a-zA-Z0-9_-]+$"),
    "version": _text(minLength=5, pattern=_RELEASE),
}
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)\Z")


class Expansion:
    """Writes out the forms of one schema."""

    def __init__(self, identifier: str, types: Mapping[str, Any]) -> None:
        self._identifier = identifier
        self._types = types

    def of(self, form: Any) -> dict[str, Any]:
        """The JSON schema of a form."""
        if isinstance(form, str):
            return self._word(form)
        if isinstance(form, list):
            return {"type": "array", "items": self.of(form[0])}
        if "@each" in form:
            return {"type": "object", "additionalProperties": self.of(form["@each"])}
        if "@null" in form:
            return {"oneOf": [self.of(form["@null"]), {"type": "null"}]}
        if "@enum" in form:
            return {"enum": list(form["@enum"])}
        return self._object(form)

    def _word(self, word: str) -> dict[str, Any]:
        if word == "@id":
            return {"type": "string", "const": self._identifier}
        if word.startswith("$"):
            return self.of(self._types[word[1:]])
        if "|" in word:
            return {"type": "string", "enum": word.split("|")}
        if found := _RANGE.match(word):
            return _whole(int(found[1]), int(found[2]))
        return dict(KINDS[word])

    def _object(self, form: Mapping[str, Any]) -> dict[str, Any]:
        if not form.get("@answer"):
            return self._fields(form)
        own = {name: of for name, of in form.items() if name in ("type", "type?")}
        rest = {n: of for n, of in form.items() if n not in own and n != "@answer"}
        error = {"type": "object", "required": ["error"],
                 "properties": {"error": self._word("$error")}}  # fmt: skip
        good = {**self._fields(rest), "not": {"required": ["error"]}}
        return {**self._fields(own), "oneOf": [error, good]}

    def _fields(self, form: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for shared in form.get("@with", ()):
            fields.update(self._types[shared])
        fields.update(form)
        names = {name: of for name, of in fields.items() if not name.startswith("@")}
        found: dict[str, Any] = {"type": "object"}
        if required := [name for name in names if not name.endswith("?")]:
            found["required"] = required
        if names:
            found["properties"] = {name.rstrip("?"): self.of(of) for name, of in names.items()}
        if needs := fields.get("@needs"):
            found["allOf"] = [
                {"if": {"required": [field], "properties": {field: {"const": value}}},
                 "then": {"required": [other]}}
                for field, cases in needs.items()
                for value, other in cases.items()
            ]  # fmt: skip
        return found
