"""`pynats server`: servers and clusters, mostly through the system account."""

from __future__ import annotations

from pynats_common.commandline.tree import Elsewhere, Group

_HERE = "pynats_cli.commands.server"
_CHANGE = "Change"

GROUP = Group(
    "server",
    "Servers and clusters",
    aliases=("srv", "sys", "system"),
    commands=(
        Elsewhere("config", "Configurations of servers", f"{_HERE}.config:GROUP", panel=_CHANGE),
    ),
)
