"""The schemas by their identifiers, and the check of a document against one."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.go.quoting import quote
from pynats_common.go.times import parse_instant_ns

from pynats_cli.errors import CliError
from pynats_cli.reference.schemas.notation import Expansion

_DATA = files("pynats_cli.reference.schemas") / "data"
_FILES = ("advisories", "cluster", "consumers", "others", "streams")
_MOST_PROBLEMS = 50
"""Shown of a document that is wrong in very many places."""


@cache
def _forms() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _FILES:
        found.update(_read(name))
    return found


@cache
def _types() -> dict[str, Any]:
    return _read("types")


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_DATA / f"{name}.json").read_text())
    return content


def identifiers() -> list[str]:
    """All that are known, sorted."""
    return sorted(_forms())


def is_known(identifier: str) -> bool:
    return identifier in _forms()


def schema(identifier: str) -> dict[str, Any]:
    """The schema in JSON Schema draft 7. Raises CliError for an unknown identifier."""
    form = _forms().get(identifier)
    if form is None:
        hint = did_you_mean(identifier, _forms())
        raise CliError(
            f"could not load schema {quote(identifier)}: unsupported schema type "
            f"{quote(identifier)}{hint}"
        )
    place = identifier.removeprefix("io.nats.").replace(".", "/")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"https://nats.io/schemas/{place}.json",
        "title": identifier,
        **Expansion(identifier, _types()).of(form),
    }


def problems(identifier: str, document: Any) -> list[str]:
    """What is wrong with a document, one line a place; empty for a valid one. Raises CliError."""
    # Only here: the library takes longer to load than most commands run.
    from jsonschema import Draft7Validator, FormatChecker

    formats = FormatChecker(())
    # The library's own check of times needs another library.
    formats.checks("date-time", raises=ValueError)(_is_time)
    validator = Draft7Validator(schema(identifier), format_checker=formats)
    found = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
    lines: list[str] = []
    for error in found:
        lines += _explained(error)
    return list(dict.fromkeys(lines))[:_MOST_PROBLEMS]


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or parse_instant_ns(value) is not None


def _explained(error: Any) -> list[str]:
    """Lines for an error. Of alternatives, the mistakes of that which was meant: an answer holds an
    `error` or what was asked for, and null is one of two."""
    if error.validator == "oneOf" and error.context:
        meant: dict[int, list[Any]] = {}
        for part in error.context:
            meant.setdefault(part.schema_path[0], []).append(part)
        chosen = meant[_meant(error, sorted(meant))]
        return [line for part in chosen for line in _explained(part)]
    place = "".join(f"/{step}" for step in error.absolute_path)
    text = _words(error)
    return [f"{place}: {text}" if place else text]


def _meant(error: Any, failed: list[int]) -> int:
    for number in failed:
        required = error.schema["oneOf"][number].get("required") or []
        if required == ["error"] and isinstance(error.instance, dict):
            others = [other for other in failed if other != number]
            return number if "error" in error.instance or not others else others[0]
    return failed[0]


def _words(error: Any) -> str:
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"missing properties: {', '.join(repr(name) for name in missing)}"
    if error.validator == "type":
        return f"expected {_either(error.validator_value)}, but got {_kind(error.instance)}"
    if error.validator == "enum":
        allowed = ", ".join(json.dumps(value) for value in error.validator_value)
        return f"value must be one of {allowed}"
    if error.validator == "const":
        return f"value must be {json.dumps(error.validator_value)}"
    if error.validator == "minimum":
        return f"must be >= {error.validator_value} but found {error.instance}"
    if error.validator == "maximum":
        return f"must be <= {error.validator_value} but found {error.instance}"
    if error.validator == "format":
        return f"{json.dumps(error.instance)} is not valid {json.dumps(error.validator_value)}"
    return str(error.message)


def _either(kinds: Any) -> str:
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return "null" if value is None else kinds.get(type(value), "object")
