"""A manual page of a program, or of one of its commands: `--help-man`."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Sequence

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.help import roff
from pynats_common.commandline.help.text import Rows, argument_text, flag_text, item_help
from pynats_common.commandline.tree import Command, Found, Group, load, shown_commands


def manual_page(found: Found, version: str, date: str, flags: Rows, name: str = "") -> str:
    """The page of a place in the tree and of everything below it. `flags` are those that every
    command knows; they are told on the program's own page. Its name is that of the command, unless
    it gets another one."""
    path, node = found.path, found.node
    name = name or "-".join(path)
    lines = [
        *roff.title(name, 1, date, path[0], version),
        roff.heading("NAME"),
        f"{roff.literal(name)} \\- {roff.literal(node.help.rstrip('.'))}",
        roff.heading("SYNOPSIS"),
        *synopsis(path, node),
        roff.heading("DESCRIPTION"),
        *roff.paragraphs(description(node)),
    ]
    declared = _declared(node)
    if declared:
        lines += [roff.heading("OPTIONS"), *_parameters(declared)]
    if isinstance(node, Group):
        lines += [roff.heading("COMMANDS"), *_below(path, node, [item.name for item in declared])]
    if len(path) == 1 and flags:
        lines += global_options(flags)
    if node.examples:
        lines += examples(node.examples)
    if len(path) > 1:
        lines += [roff.heading("SEE ALSO"), *roff.references([(path[0], 1)])]
    return "\n".join(lines) + "\n"


def synopsis(path: Sequence[str], node: Command | Group) -> Iterator[str]:
    """How a command is called."""
    yield roff.bold(" ".join(path))
    yield roff.line(_arguments(node))


def global_options(flags: Rows) -> Iterator[str]:
    """The section about the flags that every command knows."""
    yield roff.heading("GLOBAL OPTIONS")
    yield from roff.paragraphs("They stand before or after the command.")
    yield from roff.entries(flags)


def examples(lines: Sequence[str]) -> Iterator[str]:
    """The section of examples."""
    yield roff.heading("EXAMPLES")
    yield from roff.as_it_is(lines)


def _arguments(node: Command | Group) -> str:
    if isinstance(node, Group):
        return "<command> [<args> ...]"
    return " ".join(("[<flags>]", *(argument_text(i) for i in _declared(node) if i.positional)))


def description(node: Command | Group) -> str:
    """What it does, and its other names."""
    text = inspect.getdoc(node.function()) if isinstance(node, Command) else None
    if not text or text.startswith("`"):  # as on the help's screen
        text = node.help.rstrip(".") + "."
    if node.aliases:
        text += f"\n\nAlso: {', '.join(node.aliases)}."
    return text


def parameter_entries(node: Command | Group) -> Iterator[str]:
    """Its arguments and flags."""
    return _parameters(_declared(node))


def _declared(node: Command | Group) -> list[Parameter]:
    options = node.options() if isinstance(node, Command) else node.options
    found = load(options) if isinstance(options, str) and options else options
    return [item for item in parameters(found) if not item.declared.hidden] if found else []


def _below(path: Sequence[str], group: Group, told: Collection[str]) -> Iterator[str]:
    for names, node in shown_commands(group):
        yield roff.subheading(f"{' '.join((*path[1:], *names))} {_arguments(node)}")
        yield from roff.paragraphs(description(node))
        yield from _parameters([item for item in _declared(node) if item.name not in told])


def _parameters(declared: Sequence[Parameter]) -> Iterator[str]:
    arguments = [(argument_text(item), item_help(item)) for item in declared if item.positional]
    flags = [(flag_text(item), item_help(item)) for item in declared if not item.positional]
    return roff.entries([*arguments, *flags])
