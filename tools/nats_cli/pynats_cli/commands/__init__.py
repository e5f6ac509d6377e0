"""The commands of `pynats`: the table of all that stand at the top; each group has its own rows."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Elsewhere, Group

PROGRAM = "pynats"
_HERE = "pynats_cli.commands"
_MESSAGES, _STORED = "Messages", "Streams and what is kept in them"
_OPERATE, _LOCAL = "Servers and accounts", "This machine"


def _group(
    name: str, help: str, aliases: tuple[str, ...] = (), panel: str = _STORED, hidden: bool = False
) -> Elsewhere:
    return Elsewhere(name, help, f"{_HERE}.{name}:GROUP", aliases, panel, hidden)


ROOT = Group(
    PROGRAM,
    "NATS and JetStream from the command line",
    commands=(
        Command("publish", "Publish messages", f"{_HERE}.publish:publish", ("pub",),
                examples=('pynats pub orders.new "hello"',
                          "pynats pub orders.new 'order {{Count}}' --count 10 -H Kind:test",
                          "pynats pub ORDERS.new 'stored' --jetstream"),
                panel=_MESSAGES, offline=True),
        Command("subscribe", "Receive messages", f"{_HERE}.subscribe:subscribe", ("sub",),
                examples=("pynats sub 'orders.>'", "pynats sub orders.new --queue workers",
                          "pynats sub --stream ORDERS --last-per-subject"),
                panel=_MESSAGES, offline=True),
        Command("request", "Send requests", f"{_HERE}.request:request", ("req",),
                examples=("pynats req time now", "pynats req time now --replies 0"),
                panel=_MESSAGES, offline=True),
        Command("reply", "Answer requests, for tests and demos", f"{_HERE}.reply:reply",
                examples=("pynats reply time 'it is {{TimeStamp}}'",
                          "pynats reply 'weather.*' --command 'curl -s wttr.in/{{1}}?format=3'"),
                panel=_MESSAGES, offline=True),
        _group("service", "Services: find, watch and call them", ("micro",), panel=_MESSAGES),
        Command("trace", "Trace the way of a message", f"{_HERE}.trace:trace",
                examples=("pynats trace orders.new",), panel=_MESSAGES),
        _group("stream", "Streams and the messages they hold", ("str", "st", "ms", "s")),
        _group("consumer", "Consumers of streams", ("con", "obs", "c")),
        _group("kv", "Key-value buckets"),
        _group("object", "Object store buckets", ("obj",)),
        _group("counter", "Distributed counters", ("ctr",)),
        Command("apply", "Make streams and buckets what a file declares", f"{_HERE}.apply:apply",
                examples=("pynats apply orders.yaml --dry-run", "pynats apply orders.yaml --prune",
                          "pynats apply --export > present.yaml"),
                panel=_STORED),
        _group("backup", "Backup and restore streams"),
        _group("account", "The account of this connection", ("a",), panel=_OPERATE),
        _group("auth", "Operators, accounts, users and their keys", panel=_OPERATE),
        _group("server", "Servers and clusters", ("srv", "sys", "system"), panel=_OPERATE),
        _group("audit", "Gather data of a deployment and analyze it", panel=_OPERATE),
        Command("events", "Watch events and advisories", f"{_HERE}.events:events", ("event", "e"),
                examples=("pynats events --js-advisory", "pynats events --all --json"),
                panel=_OPERATE),
        Command("latency", "Measure latency between two servers", f"{_HERE}.latency:latency",
                ("lat",), examples=("pynats latency --server-b nats://b.example.com",),
                panel=_OPERATE, offline=True),
        Command("rtt", "Measure round-trip time to the servers", f"{_HERE}.rtt:rtt",
                examples=("pynats rtt 10",), panel=_OPERATE, offline=True),
        _group("bench", "Measure how fast a server is", panel=_OPERATE),
        Command("top", "What servers do now, at a terminal or as text", "pynats_top.command:top",
                examples=("pynats top", "pynats top n1 n2 --sort subs -n 10",
                          "pynats top -s http://127.0.0.1:8222",
                          "pynats top --once --view accounts --json",
                          "pynats top --record top.jsonl", "pynats top --replay top.jsonl"),
                panel=_OPERATE, offline=True),
        Command("traffic", "Watch traffic of the cluster", f"{_HERE}.traffic:traffic",
                panel=_OPERATE, hidden=True),
        _group("context", "Manage connection contexts", ("ctx",), panel=_LOCAL),
        _group("errors", "Error codes of the server", ("err", "error"), panel=_LOCAL),
        _group("schema", "JSON schemas of messages and requests", panel=_LOCAL),
        _group("plugins", "Plugins of this program", panel=_LOCAL, hidden=True),
        Command("cheat", "Examples by topic", f"{_HERE}.cheat:cheat",
                examples=("pynats cheat", "pynats cheat kv"), panel=_LOCAL, offline=True),
        Command("completion", "Complete commands in a shell", f"{_HERE}.completion:completion",
                examples=("source <(pynats completion bash)",
                          "pynats completion fish > ~/.config/fish/completions/pynats.fish"),
                panel=_LOCAL, offline=True),
    ),
)  # fmt: skip
