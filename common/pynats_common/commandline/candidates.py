"""What a word of a command line could be, from the tree of commands and what these declare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.tree import (
    Command,
    Elsewhere,
    Found,
    Group,
    UnknownCommandError,
    walk,
)

Path = tuple[str, ...]
Values = Callable[[Path, Parameter, dict[str, str]], list[str]]
"""Names of a parameter's kind: its command's path, the parameter, and what was given before it."""


@dataclass
class Place:
    """Where the cursor is: a flag's name, the value of a parameter, or neither."""

    parameter: Parameter | None = None
    prefix: str = ""
    flag_possible: bool = True


def candidates(
    root: Group, words: Sequence[str], current: str, values: Values, more_flags: Sequence[str] = ()
) -> list[str]:
    """The possible words at the cursor, sorted; `words` stand before it, `current` is the beginning
    of the word. `more_flags` are known everywhere. Unknown commands have no candidates."""
    if current == "=":  # bash gives --flag=value as three words
        words, current = [*words, "="], ""
    try:
        found = walk(root, words)
    except (UnknownCommandError, ModuleNotFoundError):
        return []
    if isinstance(found.node, Group):
        texts = _names_below(found.node)
        if current.startswith("-"):
            texts = [*found.node.value_flags(), *more_flags]
    else:
        texts = _of_command(found, found.node, current, values, more_flags)
    return sorted({text for text in texts if text.startswith(current) and text.isprintable()})


def _names_below(group: Group) -> list[str]:
    return [row.name for row in group.commands if not row.hidden and _is_there(row)]


def _is_there(row: Command | Group | Elsewhere) -> bool:
    if isinstance(row, Group):
        return True
    if isinstance(row, Command):
        return find_spec(row.target.partition(":")[0]) is not None
    try:
        row.loaded()
    except ModuleNotFoundError:  # a group that is still to come
        return False
    return True


def _of_command(
    found: Found, command: Command, current: str, values: Values, more_flags: Sequence[str]
) -> list[str]:
    declared = parameters(command.options())
    place, given = _place(declared, found.arguments, current)
    if place.parameter is not None:
        kind = place.parameter.kind
        texts = list(kind.choices) or values(found.path, place.parameter, given)
        if texts or not current.startswith("-"):
            return [place.prefix + text for text in texts]
    if not (place.flag_possible and current.startswith("-")):
        return []
    return [
        *(
            spelling
            for item in declared
            if not item.positional and not item.declared.hidden
            for spelling in item.spellings()
        ),
        *more_flags,
        "--help",
    ]


def _place(
    declared: Sequence[Parameter], words: Sequence[str], current: str
) -> tuple[Place, dict[str, str]]:
    flags = {name: item for item in declared if not item.positional for name in item.spellings()}
    open_positions = [item for item in declared if item.positional]
    given: dict[str, str] = {}
    waiting: Parameter | None = None
    flag_possible = True
    for word in _joined(words):
        if waiting is not None:
            given[waiting.name] = word
            waiting = None
        elif flag_possible and word == "--":
            flag_possible = False
        elif flag_possible and word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            item = flags.get(name)
            if item is not None and not item.switch:
                if value:
                    given[item.name] = value
                else:
                    waiting = item
        elif open_positions:
            given[open_positions[0].name] = word
            if not open_positions[0].many:
                open_positions.pop(0)
    if waiting is not None:
        return Place(waiting, "", False), given
    if flag_possible and current.startswith("-"):
        name, equals, _ = current.partition("=")
        if equals and name in flags and not flags[name].switch:
            return Place(flags[name], f"{name}=", False), given
        return Place(None, "", True), given
    return Place(open_positions[0] if open_positions else None, "", flag_possible), given


def _joined(words: Sequence[str]) -> list[str]:
    """The words; bash gives `--flag=value` as three."""
    joined: list[str] = []
    for word in words:
        if word == "=" and joined and joined[-1].startswith("--"):
            joined[-1] += "="
        elif joined and joined[-1].startswith("--") and joined[-1].endswith("="):
            joined[-1] += word
        else:
            joined.append(word)
    return joined
