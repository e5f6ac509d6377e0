"""Help of groups and commands: usage, arguments, flags under headings, examples.

Headings are bold on a terminal; piped, and with NO_COLOR, the text is plain.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.tree import Command, Elsewhere, Group, shown_commands

_WIDEST_LEFT = 32  # columns; a longer flag has its text on the next line
_WIDTH_MIN, _WIDTH_MAX = 40, 110

_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")

Rows = Sequence[tuple[str, str]]


def width() -> int:
    """Columns for texts."""
    return max(_WIDTH_MIN, min(shutil.get_terminal_size((90, 24)).columns, _WIDTH_MAX))


def heading(text: str) -> str:
    """A section's title."""
    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    return text if plain else f"\x1b[1m{text}\x1b[0m"


def aligned(rows: Rows) -> str:
    """Two columns; the right one wraps."""
    left = min(max((len(name) for name, _ in rows), default=0), _WIDEST_LEFT)
    room = max(width() - left - 4, 20)
    lines: list[str] = []
    for name, text in rows:
        parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
        if len(name) > left:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name.ljust(left)}  {parts.pop(0)}".rstrip())
        lines += [" " * (left + 4) + part for part in parts]
    return "\n".join(lines)


def section(title: str, rows: Rows) -> str:
    """A heading and its rows; "" without rows."""
    return f"\n{heading(title)}\n{aligned(rows)}\n" if rows else ""


def group_help(path: Sequence[str], group: Group, more: str = "") -> str:
    """Help of a group; `more` comes at its end."""
    usage = f"Usage: {' '.join(path)} <command> [<args> ...]"
    text = f"{_filled(usage, '  ')}\n\n{_wrapped(group.help)}.\n"
    panels: dict[str, list[tuple[str, str]]] = {}
    for row in group.commands:
        if not row.hidden:
            panels.setdefault(row.panel or "Commands", []).append((_names(row), row.help))
    for title, rows in panels.items():
        text += section(title, rows)
    if group.options:
        from pynats_common.commandline.tree import load

        text += _flag_sections(parameters(load(group.options)))
    text += _examples(group.examples)
    hint = f"See '{' '.join(path)} <command> --help' for a command's flags."
    text += f"\n{_wrapped(hint)}\n"
    return text + more


def _names(row: Command | Group | Elsewhere) -> str:
    return ", ".join((row.name, *row.aliases))


def command_help(path: Sequence[str], command: Command, more: str = "") -> str:
    """Help of a command; its function's docstring is the description."""
    declared = [item for item in parameters(command.options()) if not item.declared.hidden]
    arguments = [item for item in declared if item.positional]
    usage = " ".join((*path, "[<flags>]", *map(argument_text, arguments)))
    description = inspect.getdoc(command.function()) or ""
    if not description or description.startswith("`"):
        description = command.help.rstrip(".") + "."
    text = f"{_filled(f'Usage: {usage}', '  ')}\n\n{_wrapped(description)}\n"
    if command.aliases:
        text += "\n" + _filled("Aliases: " + ", ".join(command.aliases)) + "\n"
    text += section("Arguments", [(argument_text(item), item_help(item)) for item in arguments])
    text += _flag_sections(declared)
    return text + _examples(command.examples) + more


def long_help(path: Sequence[str], group: Group) -> str:
    """Help of every command below a group."""
    return "".join(
        f"\n{command_help((*path, *names), command)}" for names, command in shown_commands(group)
    )


def _wrapped(text: str) -> str:
    """Paragraphs wrapped to the width; indented lines stay as they are."""
    blocks = []
    for block in text.split("\n\n"):
        keep = any(line.startswith((" ", "- ")) for line in block.splitlines())
        blocks.append(block if keep else _filled(" ".join(block.split())))
    return "\n\n".join(blocks)


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, width(), break_long_words=False, break_on_hyphens=False, subsequent_indent=indent
    )


def _examples(examples: Sequence[str]) -> str:
    if not examples:
        return ""
    return f"\n{heading('Examples')}\n" + "".join(map(_example, examples))


def _example(command: str) -> str:
    """A command line; one that is too long goes on behind a backslash, so that it can be copied."""
    lines = [""]
    for word in _WORD.findall(command):
        if lines[-1] and len(lines[-1]) + len(word) + 5 > width():
            lines.append("  ")
        lines[-1] += f" {word}" if lines[-1].strip() else word
    return "".join(f"  {part}\n" for part in " \\\n".join(lines).splitlines())


def _flag_sections(declared: Iterable[Parameter]) -> str:
    panels: dict[str, list[tuple[str, str]]] = {}
    for item in declared:
        if not item.positional and not item.declared.hidden:
            row = (flag_text(item), item_help(item))
            panels.setdefault(item.declared.panel or "Flags", []).append(row)
    return "".join(section(title, rows) for title, rows in panels.items())


def flag_text(item: Parameter) -> str:
    """`-j, --[no-]json`, `    --max-age=DURATION`, `-H, --header=K:V ...`, `    --plot[=FILE]`."""
    short = [f for f in item.declared.flags if not f.startswith("--")]
    longs = [f for f in item.declared.flags if f.startswith("--")]
    left = f"{short[0]}, " if short else "    "
    name = longs[0] if longs else ""
    positive, _, negative = name.partition("/")
    if negative:
        name = f"--[no-]{positive[2:]}" if negative == f"--no-{positive[2:]}" else name
    if item.switch:
        return left + name
    value = f"={item.declared.placeholder or item.kind.placeholder}"
    if item.declared.bare is not None:
        value = f"[{value}]"
    return f"{left}{name}{value}{' ...' if item.many else ''}"


def argument_text(item: Parameter) -> str:
    """`<stream>`, `[<subject> ...]`, `-- <command> ...`."""
    name = f"<{item.shown_name}>{' ...' if item.many else ''}"
    if item.declared.behind:
        name = f"-- {name}"
    return name if item.required else f"[{name}]"


def item_help(item: Parameter) -> str:
    """What an argument or flag is for, what counts without it, and the variable that stands for
    it."""
    text = item.declared.help.rstrip(".")
    if item.default_text:
        text += f" (default: {item.default_text})"
    if item.declared.env:
        text += f" (${item.declared.env})"
    return text
