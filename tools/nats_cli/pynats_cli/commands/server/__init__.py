"""`pynats server`: servers and clusters, mostly through the system account."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Elsewhere, Group

_HERE = "pynats_cli.commands.server"
_LOOK, _CHANGE, _LOCAL = "Look", "Change", "Without a server"

GROUP = Group(
    "server",
    "Servers and clusters",
    aliases=("srv", "sys", "system"),
    commands=(
        Command("list", "List the servers that answer", f"{_HERE}.listing:servers", ("ls",),
                examples=("pynats server ls", "pynats server ls 3 --sort conns --reverse",
                          "pynats server ls --json"),
                panel=_LOOK, offline=True),
        Command("ping", "Measure how soon all servers answer", f"{_HERE}.ping:ping",
                examples=("pynats server ping", "pynats server ping 3 --graph"), panel=_LOOK),
        Command("info", "Show one server", f"{_HERE}.info:info", ("i",),
                examples=("pynats server info n1", "pynats server info n1 --json"),
                panel=_LOOK, offline=True),
        Elsewhere("report", "Report about all servers", f"{_HERE}.report:GROUP", ("rep",), _LOOK),
        Elsewhere("request", "Print what the servers say, as JSON", f"{_HERE}.request:GROUP",
                  ("req",), _LOOK),
        Elsewhere("check", "Health checks for monitoring systems", f"{_HERE}.check:GROUP",
                  panel=_LOOK),
        Elsewhere("watch", "Watch servers live", f"{_HERE}.watch:GROUP", panel=_LOOK),
        Command("graph", "Graphs of one server", f"{_HERE}.graph:graph", panel=_LOOK,
                examples=("pynats server graph n1",)),
        Command("stream-check", "Compare the replicas of streams",
                f"{_HERE}.replicas:stream_check", panel=_LOOK, hidden=True, offline=True),
        Command("consumer-check", "Compare the replicas of consumers",
                f"{_HERE}.replicas:consumer_check", panel=_LOOK, hidden=True, offline=True),
        Elsewhere("account", "An account as its servers know it", f"{_HERE}.account:GROUP",
                  ("acct",), _CHANGE),
        Elsewhere("cluster", "The JetStream cluster and its connections", f"{_HERE}.cluster:GROUP",
                  ("r", "raft"), _CHANGE),
        Elsewhere("config", "Configurations of servers", f"{_HERE}.config:GROUP", panel=_CHANGE),
        Command("passwd", "Encrypt a password for a server's configuration",
                f"{_HERE}.passwd:passwd", ("mkpasswd", "pass", "password"),
                examples=("pynats server passwd", "pynats server passwd --generate"),
                panel=_LOCAL, offline=True),
        Command("mappings", "Try a subject mapping", f"{_HERE}.mappings:mappings", ("mapping",),
                examples=("pynats server mappings 'orders.*' 'eu.{{wildcard(1)}}' orders.new",),
                panel=_LOCAL, offline=True),
        Command("generate", "Generate the files of a deployment", f"{_HERE}.generate:generate",
                ("gen",), panel=_LOCAL, offline=True,
                examples=("pynats server generate ./nats-server",
                          "pynats server generate ./nats --source compose --set clusters=2",
                          "pynats server generate ./nats --source operator --operator ACME")),
    ),
)  # fmt: skip
