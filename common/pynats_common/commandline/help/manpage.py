"""A manual page (roff, the `man` macros) of a program, or of one of its commands: `--help-man`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.help.text import Rows, argument_text, flag_text, item_help
from pynats_common.commandline.tree import Command, Found, Group, load, shown_commands

# What typesetters would turn into something that cannot be copied into a shell.
_LITERAL = {
    "\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti",
}  # fmt: skip
_SPECIAL = re.compile(r"[\\\-'`^~]|[^\x20-\x7e]")

_CHOICE = r"|\:"  # a line may be broken here


def manual_page(found: Found, version: str, date: str, flags: Rows) -> str:
    """The page of a place in the tree and of everything below it. `flags` are those that every
    command knows; they are told on the program's own page."""
    path, node = found.path, found.node
    lines = [
        f".TH {quoted('-'.join(path).upper())} 1 {date} {quoted(f'{path[0]} {version}')}",
        ".nh",  # words are for copying
        ".ad l",
        ".SH NAME",
        f"{literal('-'.join(path))} \\- {literal(node.help.rstrip('.'))}",
        ".SH SYNOPSIS",
        *_usage(path, node),
        ".SH DESCRIPTION",
        *_paragraphs(_description(node)),
    ]
    declared = _declared(node)
    if declared:
        lines += [".SH OPTIONS", *_parameters(declared)]
    if isinstance(node, Group):
        lines += [".SH COMMANDS", *_below(path, node)]
    if len(path) == 1:
        lines += [".SH GLOBAL OPTIONS", *_paragraphs("They stand before or after the command.")]
        lines += _entries(flags)
    if node.examples:
        lines += [".SH EXAMPLES", *_examples(node.examples)]
    if len(path) > 1:
        lines += [".SH SEE ALSO", f".BR {quoted(literal(path[0]))} (1)"]
    return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """Text that comes out as it is."""
    return _SPECIAL.sub(lambda found: _spelled(found[0]), text)


def _spelled(character: str) -> str:
    if character in _LITERAL:
        return _LITERAL[character]
    return " " if character.isspace() else f"\\[u{ord(character):04X}]"


def quoted(text: str) -> str:
    """An argument of a macro."""
    return '"' + text.replace('"', r"\(dq") + '"'


def _line(text: str) -> str:
    """Text at the start of a line, where a full stop would begin a request."""
    spelled = literal(text)
    return f"\\&{spelled}" if spelled.startswith(".") else spelled


def _paragraphs(text: str) -> Iterator[str]:
    """Blocks that are set apart; indented lines, and lists, keep their lines."""
    for number, block in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        lines = block.splitlines()
        if any(line.startswith((" ", "- ")) for line in lines):
            yield ".nf"
            yield from map(_line, lines)
            yield ".fi"
        else:
            yield _line(" ".join(block.split()))


def _usage(path: Sequence[str], node: Command | Group) -> Iterator[str]:
    yield f".B {quoted(literal(' '.join(path)))}"
    yield _line(_arguments(node))


def _arguments(node: Command | Group) -> str:
    if isinstance(node, Group):
        return "<command> [<args> ...]"
    return " ".join(("[<flags>]", *(argument_text(i) for i in _declared(node) if i.positional)))


def _description(node: Command | Group) -> str:
    text = inspect.getdoc(node.function()) if isinstance(node, Command) else None
    if not text or text.startswith("`"):  # as on the help's screen
        text = node.help.rstrip(".") + "."
    if node.aliases:
        text += f"\n\nAlso: {', '.join(node.aliases)}."
    return text


def _declared(node: Command | Group) -> list[Parameter]:
    options = node.options() if isinstance(node, Command) else node.options
    found = load(options) if isinstance(options, str) and options else options
    return [item for item in parameters(found) if not item.declared.hidden] if found else []


def _below(path: Sequence[str], group: Group) -> Iterator[str]:
    for names, node in shown_commands(group):
        usage = f"{' '.join((*path[1:], *names))} {_arguments(node)}"
        yield f".SS {quoted(literal(usage))}"
        yield from _paragraphs(_description(node))
        yield from _parameters(_declared(node))


def _parameters(declared: Sequence[Parameter]) -> Iterator[str]:
    arguments = [(argument_text(item), item_help(item)) for item in declared if item.positional]
    flags = [(flag_text(item), item_help(item)) for item in declared if not item.positional]
    return _entries([*arguments, *flags])


def _entries(rows: Rows) -> Iterator[str]:
    for name, text in rows:
        yield ".TP"
        yield f".B {quoted(literal(name.strip()).replace('|', _CHOICE))}"
        yield _line(text) if text else r"\&"


def _examples(examples: Sequence[str]) -> Iterator[str]:
    yield ".nf"
    for example in examples:
        yield _line(example)
    yield ".fi"
