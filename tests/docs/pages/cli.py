"""docs/reference/cli.md and the pages below it: every command of `pynats`, and what the original
has besides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pynats_cli.commands import PROGRAM, ROOT
from pynats_cli.global_options import help_rows
from pynats_common.commandline.declare import Parameter
from pynats_common.commandline.tree import Command, Elsewhere, Group, every

from tests.cli.inventory.compare import ABSENT, inherited, inventory
from tests.docs.pages.commands import command_text, listed
from tests.docs.pages.markdown import code, codes, prose, sentence, table

INDEX = """# The commands of `pynats`

Made from the program itself (`make docs`). Commands, flags and arguments are those of `nats`
0.5.0; what is ours only is marked with **+**. Where a command behaves otherwise is in
[cli-behaviour](cli-behaviour.md), its exit codes are in [errors](errors.md), and the variables that
it reads in [environment](environment.md).

Values: a DURATION is `1h30m`, `250ms`, also with the units `d`, `w`, `M` (30 days) and `y`; BYTES
are `512`, `1K`, `1MiB` (units of 1024); SUBJECTS are separated by commas or blanks; `...` marks
flags that may be repeated. A name of a command may be shortened to any of its aliases.

"""
# Commands that are no group stand together, by the heading they have in help.
TOGETHER: Final = {
    "Messages": "messages",
    "Streams and what is kept in them": "declared",
    "Servers and accounts": "operating",
    "This machine": "local",
}


def pages() -> dict[str, str]:
    """Names of pages below docs/reference/cli, and their texts."""
    found: dict[str, list[str]] = {}
    for row in ROOT.commands:
        node = row.loaded() if isinstance(row, Elsewhere) else row
        if isinstance(node, Group):
            found[f"{node.name}.md"] = [_group(node)]
        else:
            title = f"# {row.panel}\n"
            found.setdefault(f"{TOGETHER[row.panel]}.md", [title]).append(
                _command((node.name,), node)
            )
    return {name: "\n".join(parts) for name, parts in found.items()}


def index() -> str:
    """docs/reference/cli.md."""
    nodes = list(every(ROOT))
    theirs = inventory()["commands"]
    known = sum(" ".join(path) in theirs for path, _ in nodes)
    parts = [
        INDEX,
        f"{len(nodes)} commands and groups; {known} of the original's {len(theirs)}.\n\n",
    ]
    panels: dict[str, list[Command | Group | Elsewhere]] = {}
    for row in ROOT.commands:
        panels.setdefault(row.panel, []).append(row)
    for panel, rows in panels.items():
        parts.append(f"## {panel}\n\n")
        parts.append(table(("command", "also", "what it does"), map(_line, rows)) + "\n")
    parts.append("## Global flags\n\nBefore or after the command.\n\n")
    parts.append(listed([(" ".join(name.split()), text) for name, text in help_rows()]))
    if ABSENT:
        parts.append("\n## What the original has and `pynats` has not\n\n")
        parts.append("".join(f"- {code(what)}: {why}\n" for what, why in ABSENT.items()))
    names = "\n".join(f"cli/{name.removesuffix('.md')}" for name in pages())
    parts.append(f"\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{names}\n```\n")
    return "".join(parts)


def _line(row: Command | Group | Elsewhere) -> tuple[str, str, str]:
    if isinstance(row, Command):
        link = f"cli/{TOGETHER[row.panel]}.md#{row.name}"
        own = "" if row.name in inventory()["commands"] else " +"
    else:
        link, own = f"cli/{row.name}.md", ""
    hidden = " (not listed in help)" if row.hidden else ""
    return f"[`{row.name}`]({link}){own}", codes(row.aliases), sentence(prose(row.help)) + hidden


def _group(group: Group) -> str:
    also = f" Also {codes(group.aliases)}." if group.aliases else ""
    parts = [f"# `{PROGRAM} {group.name}`\n", f"{sentence(group.help)}{also}\n"]
    parts += [_command((group.name, *path), node) for path, node in _commands(group)]
    return "\n".join(parts)


def _commands(group: Group) -> Iterator[tuple[tuple[str, ...], Command]]:
    for path, node in every(group):
        if isinstance(node, Command):
            yield path, node


def _command(path: tuple[str, ...], command: Command) -> str:
    name = " ".join(path)
    is_own = name not in inventory()["commands"]
    original = {f"--{flag}" for flag in inherited(name)} if not is_own else set()

    def of_flag(item: Parameter) -> str:
        return " +" if not is_own and not set(item.spellings()) & original else ""

    return command_text(PROGRAM, path, command, "Ours only (**+**)." if is_own else "", of_flag)
