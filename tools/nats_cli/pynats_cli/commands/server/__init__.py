"""`pynats server`: servers and clusters."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Elsewhere, Group

_HERE = "pynats_cli.commands.server"

GROUP = Group(
    "server",
    "Servers and clusters",
    aliases=("srv", "sys", "system"),
    commands=(
        Elsewhere("check", "Health checks for monitoring systems", f"{_HERE}.check:GROUP"),
        Elsewhere("watch", "Live views of servers", f"{_HERE}.watch:GROUP"),
        Command("graph", "Draw graphs of one server", f"{_HERE}.graph:graph",
                examples=("pynats server graph n1", "pynats server graph n1 --jetstream")),
        Command("stream-check", "Compare the replicas of streams",
                f"{_HERE}.replicas:stream_check", hidden=True, offline=True,
                examples=("pynats server stream-check --unsynced",)),
        Command("consumer-check", "Compare the replicas of consumers",
                f"{_HERE}.replicas:consumer_check", hidden=True, offline=True,
                examples=("pynats server consumer-check --stream ORDERS",)),
        Command("generate", "Write a server's configuration from a bundle",
                f"{_HERE}.generate:generate", ("gen",), offline=True,
                examples=("pynats server generate ./nats --source ./bundle",)),
    ),
)  # fmt: skip
