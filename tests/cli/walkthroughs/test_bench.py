"""The chapter on benchmarks, with fewer messages: every command of it, and what it shows.

The documentation is older than what it describes: since then banners name
`multi-subject-randomize`, and results have latencies in more detail.
"""
# ruff: noqa: E501 - lines are as long as they are

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, Seen, Step, User

preload("bench", "stream", "kv")

_RATE = "<n> msgs/sec ~ <size>/sec"
_TIMES = (
    " ~ min: <n>us ~ avg: <n>us ~ max: <n>us ~ P50: <n>us ~ P90: <n>us ~ P99: <n>us ~ P99.9: <n>us"
)
_SPREAD = "min <n>us | avg <n>us | max <n>us | stddev <n>us | P50 <n>us | P90 <n>us | P99 <n>us | P99.9: <n>us"
_SUBJECTS = "multi-subject=false, multi-subject-max=100,000, multi-subject-randomize=false"
_CREATED = "dedup-window=2m0s, deduplication=false, max-bytes=1,073,741,824"


def begins(label: str, settings: str, does: str, clients: int = 1, *said: str) -> str:
    """What is on standard error."""
    lines = [f"Starting {label} benchmark [{settings}]", *said]
    lines += [f"[{number}] Starting {label}, {does}" for number in range(1, clients + 1)]
    return "".join(f"<clock> {line}\n" for line in lines)


def figures(
    label: str, messages: str, clients: int = 1, timed: bool = True, deliveries: bool = False
) -> str:
    """What is on standard output; `messages` are those of each client."""
    times = _TIMES if timed else ""
    more = [f" delivery latencies {_SPREAD}"] if deliveries else []
    if clients == 1:
        return "\n".join(["", f"NATS {label} stats: {_RATE}{times}", *more, "", ""])
    return "\n".join(
        [
            "",
            *(f"  [{number}] {_RATE}{times} ({messages} msgs)" for number in range(1, clients + 1)),
            "",
            f" NATS {label} aggregated stats: {_RATE}",
            " message rates min <n> | avg <n> | max <n> | stddev <n> msgs",
            *([f" latencies per operation {_SPREAD}"] if timed else []),
            *more,
            "",
            "",
        ]
    )


def bench(
    typed: str,
    label: str,
    settings: str,
    verb: str,
    messages: str,
    *said: str,
    clients: int = 1,
    timed: bool = True,
    note: str = "",
) -> Line:
    """A benchmark that runs to its end."""
    shown = figures(label, messages, clients, timed)
    shown += begins(label, settings, f"{verb} {messages} messages", clients, *said)
    return Line(f"nats bench {typed}", shown, note=note)


def sub(
    name: str, typed: str, settings: str, messages: str, clients: int, publisher: Line
) -> list[Step]:
    """A subscriber, and the publisher that it waits for."""
    label = "Core NATS subscriber"
    shown = begins(label, settings, f"expecting {messages} messages", clients)
    return [
        Line(f"nats bench {typed}", shown, stays=name),
        publisher,
        Seen(name, figures(label, messages, clients, timed=False, deliveries=True) + shown),
    ]


def pub(typed: str, size: str, total: str, messages: str, clients: int = 1) -> Line:
    settings = (
        f"clients={clients}, msg-size={size}, msgs={total}, {_SUBJECTS}, sleep=0s, subject=foo"
    )
    return bench(typed, "Core NATS publisher", settings, "publishing", messages, clients=clients)


SERVER = "Core NATS service server"
CORE: tuple[Step, ...] = (
    pub("pub foo --size 16 --msgs 2000", "16 B", "2,000", "2,000"),
    *sub(
        "one", "sub foo --size 16 --msgs 2000",
        "clients=1, msg-size=16 B, msgs=2,000, multi-subject=false, subject=foo", "2,000", 1,
        pub("pub foo --size 16 --msgs 2000", "16 B", "2,000", "2,000"),
    ),
    *sub(
        "large", "sub foo --size 16kb --msgs 200",
        "clients=1, msg-size=16 KiB, msgs=200, multi-subject=false, subject=foo", "200", 1,
        pub("pub foo --size 16kb --msgs 200", "16 KiB", "200", "200"),
    ),
    *sub(
        "four", "sub foo --clients 4 --msgs 1000",
        "clients=4, msg-size=128 B, msgs=1,000, multi-subject=false, subject=foo", "1,000", 4,
        pub("pub foo --msgs 1000", "128 B", "1,000", "1,000"),
    ),
    *sub(
        "many", "sub foo --clients 4 --msgs 1000",
        "clients=4, msg-size=128 B, msgs=1,000, multi-subject=false, subject=foo", "1,000", 4,
        pub("pub foo --clients 4 --msgs 1000", "128 B", "1,000", "250", clients=4),
    ),
    Line(
        "nats bench service serve foo",
        begins(SERVER, "clients=1, msg-size=128 B, msgs=100,000, sleep=0s, subject=foo",
               "hit control-c to stop"),
        stays="server",
    ),
    bench(
        "service request foo --msgs 200", "Core NATS service requester",
        "clients=1, msg-size=128 B, msgs=200, sleep=0s, subject=foo", "requesting", "200",
    ),
    Line(
        "nats bench service serve foo --size 16 --clients 2",
        begins(SERVER, "clients=2, msg-size=16 B, msgs=100,000, sleep=0s, subject=foo",
               "hit control-c to stop", 2),
        stays="servers",
    ),
    bench(
        "service request foo --size 16 --clients 50 --no-progress --msgs 500",
        "Core NATS service requester",
        "clients=50, msg-size=16 B, msgs=500, sleep=0s, subject=foo", "requesting", "10",
        clients=50,
    ),
)  # fmt: skip

ORDERED = "JetStream ordered ephemeral consumer"
ASYNC = "JetStream asynchronous publisher"
USING = "Using stream: benchstream"
JETSTREAM: tuple[Step, ...] = (
    bench(
        "js pub sync jsfoo --size 16 --create --storage memory --msgs 200",
        "JetStream synchronous publisher",
        f"batch=0, clients=1, {_CREATED}, msg-size=16 B, msgs=200, {_SUBJECTS}, purge=false, "
        "replicas=1, sleep=0s, storage=memory, stream=benchstream, subject=jsfoo",
        "publishing", "200", USING,
    ),
    bench(
        "js pub batch jsfoo --size 16 --batch 1000 --purge --storage memory --msgs 2000",
        "JetStream atomic batch publisher",
        f"batch=1,000, clients=1, msg-size=16 B, msgs=2,000, {_SUBJECTS}, purge=true, sleep=0s, "
        "stream=benchstream, subject=jsfoo",
        "publishing", "2,000", USING, "Purging the stream",
        note="was called batched publisher",
    ),
    Line("nats stream rm -f benchstream", ""),
    bench(
        "js pub async jsfoo --create --msgs 2000", ASYNC,
        f"batch=500, clients=1, {_CREATED}, msg-size=128 B, msgs=2,000, {_SUBJECTS}, purge=false, "
        "replicas=1, sleep=0s, storage=file, stream=benchstream, subject=jsfoo",
        "publishing", "2,000", USING,
    ),
    bench(
        "js ordered --msgs 2000", ORDERED,
        "clients=1, msg-size=128 B, msgs=2,000, purge=false, sleep=0s, stream=benchstream",
        "expecting", "2,000", timed=False,
    ),
    bench(
        "js consume --clients 4 --no-progress --msgs 2000", "JetStream durable consumer (callback)",
        "acks=explicit, batch=500, clients=4, consumer=nats-bench, double-acked=false, "
        "msg-size=128 B, msgs=2,000, purge=false, sleep=0s, stream=benchstream",
        "expecting", "500", clients=4, timed=False,
    ),
    bench(
        "js fetch --acks none --clients 2 --msgs 2000", "JetStream durable consumer (fetch)",
        "acks=none, batch=500, clients=2, consumer=nats-bench, double-acked=false, "
        "msg-size=128 B, msgs=2,000, purge=false, sleep=0s, stream=benchstream",
        "expecting", "1,000", "Beginning the durable consumer anew: nats-bench", clients=2,
        note="refused by the original while the consumer of the line before is there",
    ),
    bench(
        "js get sync --msgs 200", "JetStream synchronous getter",
        "clients=1, msg-size=128 B, msgs=200, sleep=0s, stream=benchstream", "expecting", "200",
    ),
    bench(
        "js get batch --clients 2 --msgs 2000", "JetStream batched direct getter",
        "batch=500, clients=2, filter=>, msg-size=128 B, msgs=2,000, sleep=0s, stream=benchstream",
        "expecting", "2,000", clients=2,
    ),
    Line(
        "nats bench js ordered --purge --clients 8 --no-progress --msgs 800",
        begins(ORDERED, "clients=8, msg-size=128 B, msgs=800, purge=true, sleep=0s, "
               "stream=benchstream", "expecting 800 messages", 8),
        stays="ordered",
    ),
    bench(
        "js pub async jsfoo --clients 8 --no-progress --msgs 800", ASYNC,
        f"batch=500, clients=8, msg-size=128 B, msgs=800, {_SUBJECTS}, purge=false, sleep=0s, "
        "stream=benchstream, subject=jsfoo",
        "publishing", "100", USING, clients=8,
    ),
    Seen(
        "ordered",
        figures(ORDERED, "800", 8, timed=False)
        + begins(ORDERED, "clients=8, msg-size=128 B, msgs=800, purge=true, sleep=0s, "
                 "stream=benchstream", "expecting 800 messages", 8),
    ),
    bench(
        "kv put --msgs 320", "JetStream KV putter",
        "bucket=benchbucket, clients=1, msg-size=128 B, msgs=320, purge=false, sleep=0s",
        "publishing", "320",
    ),
    bench(
        "kv get --clients 16 --randomize 320 --no-progress --msgs 320", "JetStream KV getter",
        "bucket=benchbucket, clients=16, msg-size=128 B, msgs=320, randomize=320, sleep=0s",
        "trying to get", "20", clients=16,
    ),
    Line("nats stream purge benchstream -f", None),
    Line("nats stream rm benchstream -f", ""),
)  # fmt: skip


def test_core(user: User) -> None:
    user.follow(CORE)


def test_jetstream(user: User) -> None:
    user.follow(JETSTREAM)
