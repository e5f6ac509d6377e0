"""Help as Markdown, for readers that are programs: `--help-llm`. Nothing is wrapped or cut."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

from pynats_common.commandline.declare import Parameter, parameters
from pynats_common.commandline.help.text import argument_text, item_help
from pynats_common.commandline.tree import Command, Group, load


def markdown_help(path: Sequence[str], node: Command | Group, more: str = "") -> str:
    """Help of a command or a group; `more` comes at its end."""
    lines = [f"# {' '.join(path)}", "", node.help.rstrip(".") + ".", ""]
    if node.aliases:
        lines += [f"**Aliases:** {', '.join(node.aliases)}", ""]
    if isinstance(node, Group):
        rows = [(f"`{row.name}`", row.help) for row in node.commands if not row.hidden]
        lines += ["## Usage", "", f"    {' '.join(path)} <command> [<args> ...]", ""]
        lines += ["## Commands", "", *markdown_rows(("Command", "Description"), rows), ""]
        lines += _flags(parameters(load(node.options))) if node.options else []
    else:
        lines += _command(path, node)
    if node.examples:
        lines += ["## Examples", "", *(f"    {example}" for example in node.examples), ""]
    return "\n".join(lines) + more


def markdown_rows(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (list(headers), ["---"] * len(headers), *escaped)]


def _command(path: Sequence[str], command: Command) -> list[str]:
    declared = [item for item in parameters(command.options()) if not item.declared.hidden]
    arguments = [item for item in declared if item.positional]
    text = inspect.getdoc(command.function()) or ""
    more = "" if text.startswith("`") or text.rstrip(".") == command.help.rstrip(".") else text
    usage = " ".join((*path, "[<flags>]", *map(argument_text, arguments)))
    lines = [*([more, ""] if more else []), "## Usage", "", f"    {usage}", ""]
    if arguments:
        rows = [
            (f"`{item.shown_name}`", item_help(item), "yes" if item.required else "no")
            for item in arguments
        ]
        lines += ["## Arguments", ""]
        lines += [*markdown_rows(("Argument", "Description", "Required"), rows), ""]
    return lines + _flags(declared)


def _flags(declared: Iterable[Parameter]) -> list[str]:
    rows = [
        (
            ", ".join(f"`{name}`" for name in item.spellings()),
            item.declared.help,
            _values(item),
            f"`{item.declared.env}`" if item.declared.env else "",
        )
        for item in declared
        if not item.positional and not item.declared.hidden
    ]
    if not rows:
        return []
    headers = ("Flag", "Description", "Value", "Variable")
    return ["## Flags", "", *markdown_rows(headers, rows), ""]


def _values(item: Parameter) -> str:
    if item.switch:
        return ""
    value = item.declared.placeholder or item.kind.placeholder
    if item.kind.choices:
        value = ", ".join(item.kind.choices)
    if item.declared.bare is not None:
        value += " (may be left out)"
    if item.default_text:
        value += f" (default: {item.default_text})"
    return f"{value}{' (may be repeated)' if item.many else ''}"
