"""A tree of commands as data, for programs that host others or call them: names, help, arguments,
flags, and a JSON schema of what a command takes. The shape is that of `nats --fisk-introspect`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.kinds import DURATION, FLOAT, INTEGER, UNSIGNED
from pynats_common.commandline.tree import Command, Elsewhere, Group, load

_DURATION = r"^(0|[-+]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w|M|y))+)$"


def introspect(root: Group, version: str, flags: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All of a program. `flags` are those that every command knows."""
    return {
        "name": root.name,
        "help": root.help,
        "version": version,
        "commands": _below(root, frozenset()),
        "flags": list(flags),
    }


def _below(group: Group, outer: frozenset[str]) -> list[dict[str, Any]]:
    shown = []
    for row in group.commands:
        try:
            node = row.loaded() if isinstance(row, Elsewhere) else row
            shown.append(_node(node, outer))
        except ModuleNotFoundError:  # still to come
            continue
    return shown


def _node(node: Command | Group, outer: frozenset[str]) -> dict[str, Any]:
    """`outer` are names of fields that groups above it declare."""
    found: dict[str, Any] = {"name": node.name}
    if node.aliases:
        found["aliases"] = list(node.aliases)
    found["help"] = node.help
    if isinstance(node, Command):
        declared = [item for item in parameters(node.options()) if item.name not in outer]
        text = inspect.getdoc(node.function()) or ""
        if text and text != node.help:
            found["help_long"] = text
    else:
        declared = list(parameters(load(node.options))) if node.options else []
    if node.hidden:
        found["hidden"] = True
    found["schema"] = _schema(declared)
    flags = [_flag(item) for item in declared if not item.positional]
    arguments = [_argument(item) for item in declared if item.positional]
    if flags:
        found["flags"] = flags
    if arguments:
        found["args"] = arguments
    if isinstance(node, Group):
        found["commands"] = _below(node, outer | {item.name for item in declared})
    return found


def _flag(item: Parameter) -> dict[str, Any]:
    spellings = item.spellings()
    found: dict[str, Any] = {"name": item.shown_name.lstrip("-"), "help": item.declared.help}
    short = next((name for name in spellings if not name.startswith("--")), "")
    if short:
        found["short"] = ord(short[1])
    found |= _shared(item)
    if item.declared.env:
        found["envar"] = item.declared.env
    found["boolean"] = item.switch
    if any(name.startswith("--no-") for name in spellings):
        found["negatable"] = True
    if item.kind.choices:
        found["completions"] = list(item.kind.choices)
    found["cumulative"] = item.many
    return found


def _argument(item: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {"name": item.name, "help": item.declared.help}
    if item.required:
        found["required"] = True
    return found | _shared(item) | {"cumulative": item.many}


def _shared(item: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if item.default_text or (item.switch and item.default):
        found["default"] = [item.default_text or "true"]
    if item.declared.placeholder:
        found["place_holder"] = item.declared.placeholder
    if item.declared.hidden:
        found["hidden"] = True
    return found


def _schema(declared: Sequence[Parameter]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
    for item in declared:
        if item.declared.hidden:
            continue
        name = item.name if item.positional else item.shown_name.lstrip("-")
        found["properties"][name] = {"description": item.declared.help, **_type(item)}
        if item.required:
            found.setdefault("required", []).append(name)
    return found


def _type(item: Parameter) -> dict[str, Any]:
    if item.switch:
        return {"type": "boolean"}
    one: dict[str, Any] = {"type": "string"}
    if item.kind is UNSIGNED:
        one = {"type": "integer", "minimum": 0}
    elif item.kind is INTEGER:
        one = {"type": "integer"}
    elif item.kind is FLOAT:
        one = {"type": "number"}
    elif item.kind is DURATION:
        one = {"type": "string", "pattern": _DURATION}
    elif item.kind.choices:
        one = {"type": "string", "enum": list(item.kind.choices)}
    if item.mapping:
        return {"type": "object", "additionalProperties": one}
    return {"type": "array", "items": one} if item.many else one
