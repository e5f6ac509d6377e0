"""One command of a program as Markdown: usage, what it does, arguments, flags, examples."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.help.text import argument_text, flag_text, item_help
from pynats_common.commandline.tree import Command

from tests.docs.pages.markdown import code, codes, filled, sentence

Mark = Callable[[Parameter], str]
Rows = Sequence[tuple[str, str]]  # what is written, what it is for


def nothing(_: Parameter) -> str:
    """No mark."""
    return ""


def command_text(
    program: str,
    path: Sequence[str],
    command: Command,
    note: str = "",
    of_flag: Mark = nothing,
    left_out: frozenset[str] = frozenset(),
    level: int = 2,
) -> str:
    """Everything about a command. `of_flag` comes behind its flags; fields that are `left_out`
    every command has, and they are told once. The heading is the name alone, because its anchor is
    made of it."""
    declared = [item for item in parameters(command.options()) if not item.declared.hidden]
    arguments = [item for item in declared if item.positional]
    flags = [item for item in declared if not item.positional and item.name not in left_out]
    parts = [f"{'#' * level} `{' '.join(path)}`\n", description(command)]
    notes = [note] if note else []
    if command.aliases:
        notes.append(f"Also {codes(command.aliases)}.")
    if command.hidden:
        notes.append("Not listed in help.")
    usage = " ".join((program, *path, *map(argument_text, arguments)))
    parts.append(filled(" ".join([f"Usage: {code(usage)}.", *notes])).rstrip("\n") + "\n")
    parts.append(listed([(argument_text(item), item_help(item)) for item in arguments if
                         item.declared.help]))  # fmt: skip
    for title, rows in _panels(flags, of_flag):
        parts.append(f"*{title}*\n" if title else "")
        parts.append(listed(rows))
    if command.examples:
        parts.append("Examples:\n")
        parts.append("".join(f"- {code(example)}\n" for example in command.examples))
    return "\n".join(part for part in parts if part)


def _panels(
    flags: Sequence[Parameter], of_flag: Mark
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Flags under the titles that help has; those without one stand first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for item in flags:
        row = (" ".join(flag_text(item).split()) + "\0" + of_flag(item), item_help(item))
        found.setdefault(item.declared.panel, []).append(row)
    yield from sorted(found.items(), key=lambda panel: panel[0] != "")


def listed(rows: Rows) -> str:
    """Flags or arguments as a list."""
    lines = []
    for written, text in rows:
        name, _, mark = written.partition("\0")
        lines.append(f"- {code(name)}{mark}: {_plain(text)}\n")
    return "".join(lines)


def description(command: Command) -> str:
    """The docstring of the command's function, as help has it."""
    text = inspect.getdoc(command.function()) or ""
    if not text or text.startswith("`"):
        text = sentence(command.help)
    return "\n".join(_paragraph(block) for block in re.split(r"\n\n+", text))


def _paragraph(block: str) -> str:
    lines = block.splitlines()
    if any(line.startswith("  ") for line in lines):
        return "```text\n" + inspect.cleandoc(block) + "\n```\n"
    return filled(_plain(block)).rstrip("\n") + "\n"


_TOKENS = re.compile(r"(`[^`]*`)")
_WORDS = re.compile(r"(?<![\w`-])(--[a-z][\w-]*(?:=\S*\w)?|\$[A-Z_]{3,}|\S*[{<*_]\S*[}>*_]\S*)")


def _plain(text: str) -> str:
    """Help as Markdown: flags, variables and whatever Markdown would take for its own as code."""
    parts = _TOKENS.split(" ".join(text.split()))
    return "".join(
        part if part.startswith("`") else _WORDS.sub(lambda m: code(m[0]), part) for part in parts
    )
