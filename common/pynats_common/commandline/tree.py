"""The tree of a program's commands: names, aliases and help, and where the code of each is.

Only rows are here; the module of a command is imported when the command runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from pynats_common.commandline.suggest import did_you_mean


class UnknownCommandError(Exception):
    """A name that is no command; `path` is the group in which it was looked for."""

    def __init__(self, message: str, path: tuple[str, ...]) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Command:
    """One command. `target` is "module:function"; the function's second argument is an instance of
    the options class that its annotation names. `offline` commands get no connection from the
    program: they need none, or connect by themselves. `also` is the target of another command that
    has this one's name as an alias: it runs when the arguments fit its options."""

    name: str
    help: str
    target: str
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    panel: str = ""
    hidden: bool = False
    offline: bool = False
    bad_usage: int = 1
    also: str = ""

    def function(self) -> Any:
        """The command's function."""
        return load(self.target)

    def options(self) -> type[Any]:
        """The class of its options."""
        import inspect
        import typing

        function = self.function()
        name = list(inspect.signature(function).parameters)[1]
        annotation = function.__annotations__[name]
        if isinstance(annotation, str):
            # Not `get_type_hints` of the whole: other arguments have types for checkers only.
            annotation = eval(annotation, function.__globals__)
        found: type[Any] = typing.get_origin(annotation) or annotation
        return found


@dataclass(frozen=True)
class Group:
    """A group of commands. `options` is "module:class" when flags may stand before a command's
    name; the commands' own classes inherit from it."""

    name: str
    help: str
    commands: tuple[Command | Group | Elsewhere, ...]
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    panel: str = ""
    hidden: bool = False
    options: str = ""

    def find(self, name: str) -> Command | Group | None:
        """The command of this name or alias."""
        for row in self.commands:
            if name == row.name or name in row.aliases:
                return row.loaded() if isinstance(row, Elsewhere) else row
        return None

    def names(self) -> list[str]:
        """Every name and alias that help shows."""
        return [
            name for row in self.commands if not row.hidden for name in (row.name, *row.aliases)
        ]

    def value_flags(self) -> dict[str, bool]:
        """The group's own flags, and whether each takes a value."""
        if not self.options:
            return {}
        from pynats_common.commandline.declare import parameters

        return {
            spelling: not parameter.switch
            for parameter in parameters(load(self.options))
            for spelling in parameter.spellings()
        }


@dataclass(frozen=True)
class Elsewhere:
    """A group whose rows are in another module, "module:GROUP"."""

    name: str
    help: str
    target: str
    aliases: tuple[str, ...] = ()
    panel: str = ""
    hidden: bool = False

    def loaded(self) -> Command | Group:
        found = load(self.target)
        assert isinstance(found, (Command, Group))
        return found


def load(target: str) -> Any:
    """What "module:name" names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


@dataclass
class Found:
    """A place in the tree: the names that lead there, and the arguments that are left."""

    path: tuple[str, ...]
    node: Command | Group
    arguments: list[str] = field(default_factory=list)


def walk(root: Group, arguments: Sequence[str]) -> Found:
    """Follows the names in the arguments. Flags of a group that stand before a command's name are
    left for the command. Raises UnknownCommandError."""
    found = Found((root.name,), root)
    carried: list[str] = []
    queue = list(arguments)
    while isinstance(found.node, Group) and queue:
        word = queue[0]
        if word == "--" and len(queue) > 1:  # `context -- -`
            queue.pop(0)
            word = queue[0]
        elif word.startswith("-") and word != "-":
            flags = found.node.value_flags()
            name, equals, _ = word.partition("=")
            if name not in flags:
                break
            taken = 2 if flags[name] and not equals else 1
            carried += queue[:taken]
            del queue[:taken]
            continue
        node = found.node.find(word)
        if node is None:
            names = found.node.names()
            raise UnknownCommandError(
                f"No such command '{word}'{did_you_mean(word, names, chr(39))}", found.path
            )
        queue.pop(0)
        found = Found((*found.path, node.name), node)
    # A "--" ends flags: what was carried must stand before it.
    found.arguments = [*carried, *queue]
    return found


def every(root: Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All groups and commands below a group with their paths; loads the rows of all groups."""
    for row in root.commands:
        node = row.loaded() if isinstance(row, Elsewhere) else row
        here = (*path, node.name)
        yield here, node
        if isinstance(node, Group):
            yield from every(node, here)


def shown_commands(group: Group) -> Iterator[tuple[tuple[str, ...], Command]]:
    """The commands below a group that help shows, with their paths."""
    hidden: set[tuple[str, ...]] = set()
    for path, node in every(group):
        if node.hidden or path[:-1] in hidden:
            hidden.add(path)
        elif isinstance(node, Command):
            yield path, node
