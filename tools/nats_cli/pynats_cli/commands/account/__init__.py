"""`pynats account`: the account of this connection."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

from pynats_cli.commands.backup import IN_ACCOUNT

_HERE = "pynats_cli.commands.account"

GROUP = Group(
    "account",
    "The account of this connection",
    aliases=("a",),
    commands=(
        Command("info", "Show the user, its permissions, the account and its JetStream",
                f"{_HERE}.info:info", ("nfo",), examples=("pynats account info",)),
        Group("report", "Report about the account", aliases=("rep",), commands=(
            Command("connections", "Connections of the account", f"{_HERE}.report:connections",
                    ("conn", "connz", "conns"),
                    examples=("pynats account report connections --sort in-msgs --reverse",)),
            Command("statistics", "Traffic of the account on each server",
                    f"{_HERE}.report:statistics", ("stats", "statsz"),
                    examples=("pynats account report statistics",)),
        )),
        *IN_ACCOUNT,
        Command("tls", "Show the certificates of the server", f"{_HERE}.tls:tls",
                examples=("pynats account tls --no-pem", "pynats account tls --expire-warn 30d")),
    ),
)  # fmt: skip
