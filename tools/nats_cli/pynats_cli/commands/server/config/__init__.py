"""`pynats server config`: configurations of servers."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.config"

GROUP = Group(
    "config",
    "Configurations of servers",
    commands=(
        Command("reload", "Have a server read its configuration again", f"{_HERE}.reload:reload",
                examples=("pynats server config reload n1",)),
    ),
)  # fmt: skip
