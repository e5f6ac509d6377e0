"""`pynats server watch`: live views, drawn again every second until Ctrl-C."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.watch"
GROUP = Group(
    "watch",
    "Watch servers live",
    commands=(
        Group("api", "Watch the JetStream API", commands=(
            Command("requests", "Watch requests of the API", f"{_HERE}.requests:requests",
                    ("req",), ("pynats server watch api requests --top 20",)),
        )),
        Command("accounts", "Watch accounts", f"{_HERE}.accounts:accounts",
                ("account", "acct"), ("pynats server watch accounts --sort recvb -n 10",)),
        Command("jetstream", "Watch JetStream of the servers", f"{_HERE}.servers:jetstream",
                ("js", "jsz"), ("pynats server watch jetstream --sort file",)),
        Command("servers", "Watch the servers", f"{_HERE}.servers:servers",
                ("server", "srv"), ("pynats server watch servers --sort cpu",)),
    ),
)  # fmt: skip
