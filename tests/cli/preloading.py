"""Imports what commands need before a test forks: each run would import it again."""

from __future__ import annotations

from importlib import import_module

from pynats_cli.commands import ROOT
from pynats_common.commandline.tree import Command, Elsewhere, Group, every

_DRAWING = (
    "pynats_cli.app", "typer.main", "rich._emoji_codes",
    "pynats_cli.connect.opening", "pynats_cli.screen.tables", "pynats_cli.screen.columns",
    "pynats_cli.screen.forms", "rich.console", "rich.table", "rich.text", "rich.box",
    "pynats_common.commandline.tables", "pynats_common.commandline.parse",
    "pynats_common.commandline.help.text",
)  # fmt: skip


def preload(*groups: str, also: tuple[str, ...] = ()) -> None:
    """The modules of these groups' commands, what draws, and others."""
    for row in ROOT.commands:
        if isinstance(row, Elsewhere) and row.name in groups:
            group = row.loaded()
            assert isinstance(group, Group)
            for _, node in every(group):
                if isinstance(node, Command):
                    node.options()
    for module in (*_DRAWING, *also):
        import_module(module)
