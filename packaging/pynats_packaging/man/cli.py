"""The pages of `pynats`: one that shows all commands, and one for each command at the top.

`pynats server` and `pynats top` would have the names of the pages of programs. The first is found
under its alias; a command without an alias is described where all are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pynats_cli.commands import PROGRAM, ROOT
from pynats_cli.global_options import help_rows
from pynats_common.commandline.help import roff
from pynats_common.commandline.help.manpage import (
    description,
    global_options,
    manual_page,
    parameter_entries,
    synopsis,
)
from pynats_common.commandline.tree import Command, Elsewhere, Found, Group

_FILES = (
    ("$XDG_CONFIG_HOME/nats/context", "Contexts: how to reach and log in to servers"),
    ("$XDG_DATA_HOME/nats", "What commands keep on this machine"),
)


def cli_pages(version: str, date: str, taken: Collection[str]) -> dict[str, str]:
    """Every page by its name; those that are `taken` are others'."""
    pages: dict[str, str] = {}
    places: dict[str, str] = {}  # commands, and the page of each
    for row in _rows():
        name = _page_name(row, taken)
        if name:
            node = row.loaded() if isinstance(row, Elsewhere) else row
            found = Found((PROGRAM, row.name), node)
            pages[name] = manual_page(found, version, date, (), name)
            places[row.name] = name
    return {PROGRAM: _overview(version, date, places), **pages}


def _rows() -> list[Command | Group | Elsewhere]:
    return [row for row in ROOT.commands if not row.hidden]


def _page_name(row: Command | Group | Elsewhere, taken: Collection[str]) -> str:
    names = [f"{PROGRAM}-{name}" for name in (row.name, *row.aliases)]
    return next((name for name in names if name not in taken), "")


def _overview(version: str, date: str, places: dict[str, str]) -> str:
    lines = [
        *roff.title(PROGRAM, 1, date, PROGRAM, version),
        roff.heading("NAME"),
        f"{roff.literal(PROGRAM)} \\- {roff.literal(ROOT.help)}",
        roff.heading("SYNOPSIS"),
        *synopsis((PROGRAM,), ROOT),
        roff.heading("DESCRIPTION"),
        *roff.paragraphs(
            f"{ROOT.help}.\n\nEach command has a page of its own, which is named below, and --help."
        ),
        roff.heading("COMMANDS"),
    ]
    panels: dict[str, list[Command | Group | Elsewhere]] = {}
    for row in _rows():
        panels.setdefault(row.panel, []).append(row)
    for title, rows in panels.items():
        lines.append(roff.subheading(title))
        for row in rows:
            lines += _entry(row, places)
    lines += global_options(help_rows())
    lines += [roff.heading("FILES"), *roff.entries(_FILES), roff.heading("SEE ALSO")]
    others = [("pynats-server", 8), ("pynats-top", 1), ("pynsc", 1), ("pynk", 1)]
    lines += roff.references([*((name, 1) for name in places.values()), *others])
    return "\n".join(lines) + "\n"


def _entry(row: Command | Group | Elsewhere, places: dict[str, str]) -> Iterator[str]:
    names = ", ".join((row.name, *row.aliases))
    if row.name in places:
        yield from roff.entries([(names, f"{row.help}; see {places[row.name]}(1).")])
        return
    assert isinstance(row, Command)
    yield from roff.entries([(names, description(row))])
    yield ".RS"
    yield from parameter_entries(row)
    yield ".RE"
