"""What one publish or the clock alone sets off in a large stream."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

from pynats_bench.model import LoadError
from pynats_bench.pauses.tenant import Tenant
from pynats_bench.pauses.world import Case, Step, World

SCHEDULES = 100_000
EXPIRING_S = 8  # from a message's publish to its end; long enough to fill the stream before
DUPLICATES_S = 8


def message(subject: str, headers: dict[str, str]) -> bytes:
    """The HPUB of an empty message."""
    block = "NATS/1.0\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    size = len(block) + 2
    return f"HPUB {subject} {size} {size}\r\n{block}\r\n\r\n".encode()


def count(tenant: Tenant, name: str) -> int:
    """The messages of a stream."""
    answer = json.loads(tenant.ask(f"$JS.API.STREAM.INFO.{name}"))
    return int(answer["state"]["messages"])


def wait(world: World, name: str, low: int, high: int) -> None:
    """Until a stream has so many messages."""
    deadline = time.monotonic() + world.timeout_s * 2
    while not low <= count(world.tenant, name) <= high:
        if time.monotonic() > deadline:
            raise LoadError(f"{name} has {count(world.tenant, name)} messages")
        time.sleep(0.1)


def fill_with(name: str, subject: str, headers: dict[str, str], **config: object) -> Step:
    """A new stream of `size` messages; `{}` in subject and values is their number."""

    def prepare(world: World) -> None:
        world.tenant.ask(f"$JS.API.STREAM.DELETE.{name}")
        world.tenant.create(name, **config)
        world.tenant.send(
            message(subject.format(n), {key: value.format(n) for key, value in headers.items()})
            for n in range(world.size)
        )
        world.tenant.settle()

    return prepare


def publish(subject: str, headers: dict[str, str], name: str) -> Step:
    """One message that replaces all others of a stream."""

    def act(world: World) -> None:
        world.tenant.send([message(subject, headers)])
        wait(world, name, 1, 1)

    return act


def scheduled(world: World) -> None:
    """Schedules that are due together, soon after they are stored."""
    total = min(world.size, SCHEDULES)
    world.tenant.create("C", storage="file", allow_msg_schedules=True, allow_msg_ttl=True)
    due = datetime.now(UTC) + timedelta(seconds=5 + total / 8000)
    headers = {"Nats-Schedule": f"@at {due:%Y-%m-%dT%H:%M:%SZ}", "Nats-Schedule-Target": "C.made"}
    for begin in range(0, total, 2000):
        world.tenant.send(
            message(f"C.s.{n}", headers) for n in range(begin, min(begin + 2000, total))
        )
        world.tenant.settle()
    wait(world, "C", total, total)


def until_fired(world: World) -> None:
    total = min(world.size, SCHEDULES)
    deadline = time.monotonic() + world.timeout_s * 2
    while int(_state(world, "C")["last_seq"]) < 2 * total:
        if time.monotonic() > deadline:
            raise LoadError("schedules did not fire")
        time.sleep(0.1)


def _state(world: World, name: str) -> dict[str, int]:
    state: dict[str, int] = json.loads(world.tenant.ask(f"$JS.API.STREAM.INFO.{name}"))["state"]
    return state


def update_scheduled(world: World) -> None:
    """Stores schedules that are not due, and changes their stream."""
    answer = world.tenant.ask("$JS.API.STREAM.UPDATE.C", {
        "name": "C", "subjects": ["C.>"], "storage": "file", "allow_msg_schedules": True,
        "allow_msg_ttl": True, "description": "changed",
    })  # fmt: skip
    if b'"error"' in answer:
        raise LoadError(answer[:200].decode())


def republished(world: World) -> None:
    """A flood that is published again, and what a flood without pauses is answered."""
    world.tenant.create("R", republish={"src": "R.>", "dest": "again.>"}, storage="file")
    flooder = world.tenant.another()
    flooder.send(b"PUB R.%d 0\r\n\r\n" % (n % 1000) for n in range(200_000))
    flooder.settle()
    flooder.close()


def expire(name: str) -> Step:
    def act(world: World) -> None:
        wait(world, name, 0, 0)

    return act


TTL = {"Nats-TTL": f"{EXPIRING_S}s"}
ALL, SUB = {"Nats-Rollup": "all"}, {"Nats-Rollup": "sub"}

CASES = (
    Case("schedules", "100,000 schedules due at once", until_fired, scheduled, "schedules"),
    Case("schedules-update", "an update of a stream of 100,000 schedules", update_scheduled,
         None, "schedules"),
    Case("republish", "a flood into a stream that republishes", republished, group="republish"),
    Case("ttl-memory", "messages run out by their TTL", expire("T"),
         fill_with("T", "T.{}", TTL, allow_msg_ttl=True), "timed"),
    Case("ttl-file", "messages run out by their TTL, file", expire("U"),
         fill_with("U", "U.{}", TTL, allow_msg_ttl=True, storage="file"), "timed"),
    Case("rollup-all", "a rollup of everything", publish("V.x", ALL, "V"),
         fill_with("V", "V.{}", {}, allow_rollup_hdrs=True), "timed"),
    Case("rollup-one", "a rollup of a subject with all messages", publish("W.x", SUB, "W"),
         fill_with("W", "W.x", {}, allow_rollup_hdrs=True), "timed"),
    Case("rollup-one-file", "a rollup of a subject with all messages, file",
         publish("X.x", SUB, "X"),
         fill_with("X", "X.x", {}, allow_rollup_hdrs=True, storage="file"), "timed"),
    Case("message-ids", "message ids leave the duplicate window",
         lambda world: time.sleep(DUPLICATES_S + 2),
         fill_with("Y", "Y.x", {"Nats-Msg-Id": "id-{}"},
                   duplicate_window=DUPLICATES_S * 1_000_000_000), "timed"),
)  # fmt: skip
