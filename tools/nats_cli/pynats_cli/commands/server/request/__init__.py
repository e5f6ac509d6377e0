"""`pynats server request`: what servers say, one JSON document a line."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.request"


def _row(name: str, help: str, *aliases: str, module: str = "endpoints") -> Command:
    function = name.replace("-", "_")
    return Command(name, help, f"{_HERE}.{module}:{function}", aliases,
                   (f"pynats server request {name}",), offline=True)  # fmt: skip


GROUP = Group(
    "request",
    "Print what the servers say, as JSON",
    aliases=("req",),
    options=f"{_HERE}.options:RequestOptions",
    commands=(
        _row("variables", "Settings and counts (VARZ)", "var", "varz"),
        _row("connections", "Connections (CONNZ)", "conn", "connz"),
        _row("subscriptions", "Subscriptions (SUBSZ)", "sub", "subsz"),
        _row("accounts", "Accounts (ACCOUNTZ)", "accountz", "acct"),
        _row("jetstream", "JetStream (JSZ)", "jsz", "js"),
        _row("jetstream-health", "Health (HEALTHZ)", "healthz"),
        _row("raft", "Raft groups (RAFTZ)", "raftz"),
        _row("routes", "Routes (ROUTEZ)", "route", "routez"),
        _row("gateways", "Gateways (GATEWAYZ)", "gateway", "gwy", "gatewayz"),
        _row("leafnodes", "Leafnodes (LEAFZ)", "leaf", "leafz"),
        _row("ipqueue", "Queues inside the servers (IPQUEUESZ)", "ipq", "ipqueuesz"),
        Command("profile", "Write profiles of the servers to files", f"{_HERE}.profile:profile",
                examples=("pynats server request profile heap /tmp --name n1",), offline=True),
        Command("kick", "Disconnect a client", f"{_HERE}.kick:kick",
                examples=("pynats server request kick 42 NBK...",)),
    ),
)  # fmt: skip
