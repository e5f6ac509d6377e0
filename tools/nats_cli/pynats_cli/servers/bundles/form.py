"""Asks a bundle's questions, unless the command line has answered them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pynats_cli.errors import CliError
from pynats_cli.expressions import compile_expression
from pynats_cli.screen import ask

_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def _truth(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


_TYPES: dict[str, Callable[[str], Any]] = {
    "string": str, "": str, "password": str, "integer": int, "float": float, "bool": _truth,
}  # fmt: skip

_GROUPS = ("", "object")


def answers(form: Mapping[str, Any], given: Mapping[str, str], defaults: bool) -> dict[str, Any]:
    """The values of the form's properties; those of a group are a mapping. `given` answers by name
    (`group.name`); with `defaults` what has one
    is not asked. Raises CliError, also for an answer to no question."""
    properties = form.get("properties") or []
    unknown = set(given) - set(_names(properties))
    if unknown:
        raise CliError(f"the bundle does not ask for {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {}
    _fill(values, properties, given, defaults, values, "")
    return values


def _names(properties: Sequence[Any], prefix: str = "") -> Iterator[str]:
    for item in properties:
        name = f"{prefix}{item.get('name') or ''}"
        if item.get("properties"):
            yield from _names(item["properties"], f"{name}.")
        else:
            yield name


def _fill(
    values: dict[str, Any],
    properties: Sequence[Any],
    given: Mapping[str, str],
    defaults: bool,
    everything: dict[str, Any],
    prefix: str,
) -> None:
    for item in properties:
        name = str(item.get("name") or "")
        kind = str(item.get("type") or "")
        below = item.get("properties")
        if not name or kind not in (_GROUPS if below else _TYPES):
            raise CliError(f'the form\'s question "{name}" is of an unknown type "{kind}"')
        if not _wanted(item, everything):
            continue
        if below:
            values[name] = {}
            _fill(values[name], below, given, defaults, everything, f"{prefix}{name}.")
        else:
            full = f"{prefix}{name}"
            values[name] = _answer(item, full, kind, given.get(full), defaults)


def _wanted(item: Mapping[str, Any], values: dict[str, Any]) -> bool:
    condition = item.get("conditional")
    if not condition:
        return True
    names = ("input", "Input")
    return compile_expression(str(condition), names).matches(dict.fromkeys(names, values))


def _answer(
    item: Mapping[str, Any], name: str, kind: str, given: str | None, defaults: bool
) -> Any:
    read = _TYPES[kind]
    default = _default(item.get("default"))
    choices = [str(each) for each in item.get("enum") or []]

    def check(text: str) -> None:
        if not text and item.get("required"):
            raise ValueError("an answer is required")
        if text:
            read(text)
        if choices and text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")

    missing = f"--set {name}=VALUE"
    question = str(item.get("help") or item.get("description") or name).strip()
    if given is None and defaults and (default or not item.get("required")):
        given = default
    if given is None and kind == "bool":
        return ask.confirm(question, default.lower() in _TRUE, missing=missing)
    if given is None and choices:
        given = ask.choose(question, choices, default, missing=missing)
    if given is None:
        given = ask.ask(question, default, check, missing, hidden=kind == "password")
    try:
        check(given)
    except ValueError as error:
        raise CliError(f"{name}: {error}") from None
    return read(given) if given else _empty(kind)


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _empty(kind: str) -> Any:
    return {"integer": 0, "float": 0.0, "bool": False}.get(kind, "")
