"""`pynats server`: servers and clusters."""

from __future__ import annotations

from pynats_common.commandline.tree import Elsewhere, Group

_HERE = "pynats_cli.commands.server"

GROUP = Group(
    "server",
    "Servers and clusters",
    aliases=("srv", "sys", "system"),
    commands=(Elsewhere("check", "Health checks for monitoring systems", f"{_HERE}.check:GROUP"),),
)
