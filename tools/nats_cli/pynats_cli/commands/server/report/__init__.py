"""`pynats server report`: tables about all servers."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.report"


def _row(name: str, help: str, *aliases: str, target: str = "", example: str = "") -> Command:
    return Command(name, help, f"{_HERE}.{target or f'{name}:{name}'}", aliases,
                   (f"pynats server report {name}{example}",), offline=True)  # fmt: skip


GROUP = Group(
    "report",
    "Report about all servers",
    aliases=("rep",),
    options="pynats_cli.commands.server.options:Reversed",
    commands=(
        _row("connections", "Connections of clients", "conn", "connz", "conns",
             example=" --sort in-bytes --reverse --top 10"),
        _row("accounts", "Traffic of accounts", "acct", example=" --sort conns"),
        _row("jetstream", "JetStream, and its meta group", "jsz", "js", example=" --leaders"),
        _row("health", "Health of the servers", example=" --account A --stream ORDERS"),
        _row("cpu", "CPU of the servers", target="usage:cpu"),
        _row("mem", "Memory of the servers", target="usage:mem", example=" --watch 5"),
        _row("routes", "Routes of clusters", "route", example=" --sort in-bytes"),
        _row("gateways", "Gateways between clusters", "super", "gateway"),
        _row("leafnodes", "Leafnode connections", "leaf", "leafz", example=" --account A"),
        _row("downgrade", "What an older JetStream could not keep", example=" 1"),
    ),
)  # fmt: skip
