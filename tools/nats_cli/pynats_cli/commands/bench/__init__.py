"""`pynats bench`: how fast a server is."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.bench"
_JS = f"{_HERE}.options:StreamOptions"

_PUBLISHERS = Group(
    "pub",
    "Publish to a stream",
    options=_JS,
    commands=(
        Command(
            "sync", "One message after the other", f"{_HERE}.storing:sync", offline=True,
            examples=("pynats bench js pub sync jsfoo --size 16 --create --storage memory",),
        ),
        Command(
            "async", "Batches of messages, all acknowledged before the next",
            f"{_HERE}.storing:in_batches", offline=True,
            examples=("pynats bench js pub async jsfoo --create",
                      "pynats bench js pub async jsfoo --clients 8 --batch 1000"),
        ),
        Command(
            "atomic", "Batches that are stored as a whole", f"{_HERE}.storing:atomic",
            aliases=("batch",), offline=True,
            examples=("pynats bench js pub atomic jsfoo --size 16 --batch 1000 --purge",),
        ),
        Command(
            "fast", "Fast batches with flow control", f"{_HERE}.storing:fast", offline=True,
            examples=("pynats bench js pub fast jsfoo --create --max-outstanding-acks 2",),
        ),
    ),
)  # fmt: skip

_GETTERS = Group(
    "get",
    "Read a stream without consumers",
    options=_JS,
    commands=(
        Command(
            "sync", "One message after the other", f"{_HERE}.getting:sync", offline=True,
            examples=("pynats bench js get sync",),
        ),
        Command(
            "batch", "Batches of messages", f"{_HERE}.getting:batches", offline=True,
            examples=("pynats bench js get batch --clients 2",),
        ),
    ),
)  # fmt: skip

_STREAMS = Group(
    "js",
    "Streams and consumers",
    options=_JS,
    commands=(
        _PUBLISHERS,
        Command(
            "ordered", "Consume through ephemeral ordered consumers",
            f"{_HERE}.consuming:ordered", offline=True,
            examples=("pynats bench js ordered", "pynats bench js ordered --purge --clients 8"),
        ),
        Command(
            "consume", "Consume through a durable consumer, as messages come",
            f"{_HERE}.consuming:consume", offline=True,
            examples=("pynats bench js consume --clients 4 --no-progress",),
        ),
        Command(
            "fetch", "Consume through a durable consumer, in batches",
            f"{_HERE}.consuming:fetch", offline=True,
            examples=("pynats bench js fetch --acks none --clients 2",),
        ),
        _GETTERS,
    ),
)  # fmt: skip

GROUP = Group(
    "bench",
    "Measure how fast a server is",
    examples=("pynats bench pub foo --size 16 --msgs 1M",
              "pynats bench js pub async jsfoo --create",
              "pynats bench compare A B -- pub foo --size 16 --msgs 1M"),
    commands=(
        Command(
            "pub", "Publish messages", f"{_HERE}.core:pub", offline=True,
            examples=("pynats bench pub foo --size 16 --msgs 1000000",
                      "pynats bench pub foo --throughput 50000 --duration 1m"),
        ),
        Command(
            "sub", "Receive messages", f"{_HERE}.core:sub", offline=True,
            examples=("pynats bench sub foo --size 16 --msgs 1000000",
                      "pynats bench sub foo --clients 4"),
        ),
        Group(
            "service", "Requests and replies", options=f"{_HERE}.options:ServiceOptions",
            commands=(
                Command(
                    "request", "Send requests, each after the reply to the one before",
                    f"{_HERE}.service:request", offline=True,
                    examples=("pynats bench service request foo --clients 50 --no-progress",),
                ),
                Command(
                    "serve", "Answer the requests", f"{_HERE}.service:serve", offline=True,
                    examples=("pynats bench service serve foo --clients 2",),
                ),
            ),
        ),
        _STREAMS,
        Group(
            "kv", "Key-value buckets", options=f"{_HERE}.options:BucketOptions",
            commands=(
                Command(
                    "put", "Store values", f"{_HERE}.kv:put", offline=True,
                    examples=("pynats bench kv put",),
                ),
                Command(
                    "get", "Read values", f"{_HERE}.kv:get", offline=True,
                    examples=("pynats bench kv get --clients 16 --randomize 100000",),
                ),
            ),
        ),
        Command(
            "compare", "Run the same load on two servers in turn",
            f"{_HERE}.comparing.command:compare", offline=True,
            examples=("pynats bench compare nats://host-a nats://host-b -- pub foo --msgs 1M",
                      "pynats bench compare A B --with 'sub foo --msgs 1M' -- pub foo --msgs 1M"),
        ),
        Group(
            "oldjs", "Consumers as the first clients of JetStream used them", hidden=True,
            options=_JS,
            commands=(
                Command("ordered", "Consume through ephemeral ordered push consumers",
                        f"{_HERE}.oldjs:ordered", offline=True,
                        examples=("pynats bench oldjs ordered jsfoo",)),
                Command("push", "Consume through a durable push consumer",
                        f"{_HERE}.oldjs:push", offline=True,
                        examples=("pynats bench oldjs push jsfoo --clients 2",)),
                Command("pull", "Consume through a durable pull consumer",
                        f"{_HERE}.oldjs:pull", offline=True,
                        examples=("pynats bench oldjs pull jsfoo --batch 100",)),
            ),
        ),
    ),
)  # fmt: skip
