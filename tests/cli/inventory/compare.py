"""The commands of `pynats` beside those of the original."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pynats_cli.commands import ROOT
from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.tree import Command, Group, UnknownCommandError, walk

FILE = Path(__file__).with_name("natscli-0.5.0.json")

# What the original has and `pynats` has not, with the reason: a command's path, or a path and a
# flag. A path stands for everything below it.
ABSENT: dict[str, str] = {
    "auth account info alias i": "`auth account i` are the imports, in the original too",
}


@cache
def inventory() -> dict[str, Any]:
    """`commands` by path and global `flags` of the original."""
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


@dataclass
class Row:
    """One command of the original and ours; `missing` names what ours lacks."""

    path: str
    original: dict[str, Any]
    ours: Command | Group | None
    missing: list[str] = field(default_factory=list)


def reason(path: str, flag: str = "") -> str:
    """Why something is not there; "" without a reason."""
    if flag and f"{path} {flag}" in ABSENT:
        return ABSENT[f"{path} {flag}"]
    words = path.split()
    return next(
        (ABSENT[" ".join(words[:n])] for n in range(len(words), 0, -1)
         if " ".join(words[:n]) in ABSENT), "",
    )  # fmt: skip


def inherited(path: str) -> dict[str, Any]:
    """The original's flags of a command and of the groups around it."""
    words = path.split()
    flags: dict[str, Any] = {}
    for number in range(1, len(words) + 1):
        flags |= inventory()["commands"][" ".join(words[:number])].get("flags", {})
    return flags


def rows() -> Iterator[Row]:
    """Every command of the original."""
    for path, original in inventory()["commands"].items():
        row = Row(path, original, _ours(path))
        if row.ours is None:
            row.missing.append(path)
        else:
            row.missing += [
                f"alias {alias}" for alias in original.get("aliases", ())
                if alias not in (row.ours.name, *row.ours.aliases)
                and not _is_also(row.ours, path, alias)
            ]  # fmt: skip
            if isinstance(row.ours, Command):
                row.missing += _missing_parameters(row, parameters(row.ours.options()))
            elif not original.get("group"):
                row.missing.append("is a group only")
        yield row


def _ours(path: str) -> Command | Group | None:
    try:
        found = walk(ROOT, path.split())
    except UnknownCommandError:
        return None
    return found.node if not found.arguments else None


def _is_also(node: Command | Group, path: str, alias: str) -> bool:
    """Whether a command that has the alias as its name runs this one, too."""
    other = _ours(" ".join([*path.split()[:-1], alias]))
    if not isinstance(node, Command) or not isinstance(other, Command):
        return False
    return other.also == node.target


def _is_taken(item: Parameter, value: str) -> bool:
    try:
        item.value_of([value])
    except ValueError:
        return False
    return True


def _missing_parameters(row: Row, declared: tuple[Parameter, ...]) -> Iterator[str]:
    spelled = {name: item for item in declared for name in item.spellings()}
    for name, facts in inherited(row.path).items():
        item = spelled.get(f"--{name}")
        if item is None:
            yield f"--{name}"
            continue
        if facts.get("short") and f"-{facts['short']}" not in item.spellings():
            yield f"-{facts['short']} of --{name}"
        if facts.get("negatable") and f"--no-{name}" not in spelled:
            yield f"--no-{name}"
        if bool(facts.get("switch")) != item.switch:
            yield f"--{name} is {'a switch' if facts.get('switch') else 'no switch'}"
        if facts.get("many") and not item.many:
            yield f"--{name} is repeated"
        for value in facts.get("values", ()):
            if not _is_taken(item, value):
                yield f"--{name}={value}"
    arguments = [item for item in declared if item.positional]
    theirs = row.original.get("args", [])
    if len(arguments) < len(theirs):
        yield f"arguments {[each['name'] for each in theirs]}"
    for mine, other in zip(arguments, theirs, strict=False):
        if mine.shown_name.lower().replace("_", "-") != other["name"].lower().replace("_", "-"):
            yield f"argument {other['name']} is {mine.shown_name}"
        if mine.required and not other.get("required"):
            yield f"argument {mine.name} is not required"
