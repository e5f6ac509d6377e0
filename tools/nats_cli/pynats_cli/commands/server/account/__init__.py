"""`pynats server account`: an account as its servers know it."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.account"

GROUP = Group(
    "account",
    "An account as its servers know it",
    aliases=("acct",),
    options="pynats_cli.flags:Shown",
    commands=(
        Command("info", "Show an account", f"{_HERE}.info:info", ("i",),
                examples=("pynats server account info ORDERS",), offline=True),
        Command("purge", "Delete everything that an account keeps in JetStream",
                f"{_HERE}.purge:purge", examples=("pynats server account purge OLD",)),
    ),
)  # fmt: skip
