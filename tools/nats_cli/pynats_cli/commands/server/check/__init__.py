"""`pynats server check`: health checks in the forms monitoring systems read."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.check"
BAD_USAGE = 3
"""Exit code for bad flags: Nagios reads 1 as a warning."""


def _row(
    name: str, help: str, target: str, *aliases: str, hidden: bool = False, example: str
) -> Command:
    return Command(
        name, help, f"{_HERE}.{target}", aliases, (example,), hidden=hidden, offline=True,
        bad_usage=BAD_USAGE,
    )  # fmt: skip


GROUP = Group(
    "check",
    "Check the health of servers, streams and more, for monitoring systems",
    options=f"{_HERE}.options:CheckOptions",
    commands=(
        _row("connection", "Check that a server takes connections, and its round trips",
             "connection:connection", "conn",
             example="pynats server check connection --rtt-warn 20ms --rtt-critical 100ms"),
        _row("stream", "Check a stream: replicas, messages, mirror and sources",
             "assets:stream",
             example="pynats server check stream --stream ORDERS --peer-expect 3 "
                     "--msgs-critical 10"),
        _row("consumer", "Check a consumer: what waits, and when it last moved",
             "assets:consumer",
             example="pynats server check consumer --stream ORDERS --consumer NEW "
                     "--unprocessed-critical 1000"),
        _row("message", "Check the age and content of a stream's last message",
             "assets:message",
             example="pynats server check message --stream BACKUPS --subject backups.db "
                     "--age-critical 1d"),
        _row("meta", "Check the meta group of JetStream", "servers:meta", "raft",
             example="pynats server check meta --expect 3 --lag-critical 100 "
                     "--seen-critical 10s"),
        _row("request", "Check a service by a request", "services:request", "req",
             example="pynats server check request --subject time --response-critical 1s"),
        _row("jetstream", "Check an account's use of JetStream", "assets:jetstream", "js",
             example="pynats server check jetstream --store-warn 70 --store-critical 85"),
        _row("server", "Check a server: load, connections, uptime, TLS", "servers:server",
             example="pynats server check server --name n1 --conn-warn 1000 "
                     "--conn-critical 2000"),
        _row("kv", "Check a key-value bucket", "assets:kv",
             example="pynats server check kv --bucket CONFIG --key leader"),
        _row("credential", "Check how long a credentials file is valid",
             "services:credential",
             example="pynats server check credential --credential app.creds "
                     "--validity-warn 30d"),
        _row("exporter", "Serve checks to Prometheus", "exporter:exporter", hidden=True,
             example="pynats server check exporter --config checks.yaml --port 8080"),
    ),
)  # fmt: skip
