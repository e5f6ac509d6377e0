"""Consumers of a large stream, very many consumers, and what a large stream costs when it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from pynats_bench.model import LoadError
from pynats_bench.pauses.stream_cases import API, fill, snapshot, state_of
from pynats_bench.pauses.tenant import Tenant
from pynats_bench.pauses.world import Case, World

CONSUMERS = 10_000
AHEAD = 100  # requests
CHUNK_BYTES = 1 << 17
BYTES_PER_SIZE = 10_000  # 10 GB with the default million
UNSEEN_BYTES = (
    64 << 20
)  # published and not yet seen stored: servers drop what they cannot keep up with


def consumer(name: str, title: str, **config: object) -> Case:
    """Creates a consumer of K and deletes it."""

    def act(world: World) -> None:
        body = {
            "stream_name": "K",
            "config": {"name": "c", "ack_policy": "explicit", **config},
            "action": "create",
        }
        answer = world.tenant.ask(f"{API}CONSUMER.CREATE.K.c", body)
        if b'"error"' in answer:
            raise LoadError(answer[:200].decode("utf-8", "replace"))
        world.tenant.ask(f"{API}CONSUMER.DELETE.K.c")

    return Case(f"consumer-{name}", f"CONSUMER.CREATE, {title}", act, group="consumers")


def many(world: World) -> None:
    """A stream with ten thousand durable consumers (fewer when the size is small)."""
    count = min(CONSUMERS, world.size)
    world.tenant.create("Q", storage="file", max_consumers=count)
    world.tenant.send([b"PUB Q.x 0\r\n\r\n"])
    creator = world.tenant.another()
    creator.send([b"SUB _INBOX.many 7\r\n"])
    for begin in range(0, count, AHEAD):
        numbers = range(begin, min(begin + AHEAD, count))
        creator.send(_creations(numbers))
        for _ in numbers:
            answer, _reply = creator.next()
            if b'"error"' in answer:
                raise LoadError(answer[:200].decode("utf-8", "replace"))
    creator.close()


def _creations(numbers: range) -> Iterator[bytes]:
    for number in numbers:
        config = {"durable_name": f"c{number}", "ack_policy": "explicit"}
        body = json.dumps({"stream_name": "Q", "config": config}).encode()
        head = f"PUB {API}CONSUMER.DURABLE.CREATE.Q.c{number} _INBOX.many {len(body)}\r\n"
        yield head.encode() + body + b"\r\n"


def list_many(world: World) -> None:
    for verb in ("NAMES", "LIST"):
        offset = 0
        while True:
            answer = json.loads(world.tenant.ask(f"{API}CONSUMER.{verb}.Q", {"offset": offset}))
            offset += len(answer["consumers"] or ())
            if offset >= answer["total"] or not answer["consumers"]:
                break


def delete_many(world: World) -> None:
    world.tenant.ask(f"{API}STREAM.DELETE.Q")


def backup(world: World) -> None:
    snapshot(world.tenant, "K")


def purge(world: World) -> None:
    world.tenant.ask(f"{API}STREAM.PURGE.K")


def fill_huge(world: World) -> None:
    """Ten gigabytes on the disk."""
    world.tenant.create("G", storage="file")
    frame = b"PUB G.x %d\r\n%b\r\n" % (CHUNK_BYTES, b"x" * CHUNK_BYTES)
    wanted = max(world.size * BYTES_PER_SIZE // CHUNK_BYTES, 1)
    step = UNSEEN_BYTES // CHUNK_BYTES
    for begin in range(0, wanted, step):
        end = min(begin + step, wanted)
        world.tenant.send([frame] * (end - begin))
        _stored(world.tenant, "G", end, world.timeout_s)


def _stored(tenant: Tenant, name: str, messages: int, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while state_of(tenant, name)["messages"] < messages:
        if time.monotonic() > deadline:
            raise LoadError(f"{name} did not get its messages")
        time.sleep(0.01)


def delete_huge(world: World) -> None:
    world.tenant.ask(f"{API}STREAM.DELETE.G")


CASES = (
    Case("consumer-fill", "filling a file stream of as many subjects",
         lambda world: fill(world, "K", storage="file"), group="consumers"),
    consumer("filter", "a wildcard filter on every second subject", filter_subject="K.0.*"),
    consumer("filters", "ten wildcard filters", filter_subjects=[
        f"K.{half}.{'*' if half < 2 else '>'}" for half in range(10)]),
    consumer("last", "last per subject of all subjects", deliver_policy="last_per_subject",
             filter_subject="K.>"),
    consumer("push", "pushed, last per subject of all subjects", deliver_policy="last_per_subject",
             filter_subject="K.*.*", deliver_subject="nobody.here"),
    Case("consumer-backup", "SNAPSHOT", backup, group="consumers"),
    Case("purge-all", "PURGE of everything, file", purge, group="consumers"),
    Case("consumers-many", "10,000 consumers are created", many, group="crowd"),
    Case("consumers-list", "NAMES and LIST of 10,000 consumers", list_many, group="crowd"),
    Case("consumers-delete", "STREAM.DELETE with 10,000 consumers", delete_many, group="crowd"),
    Case("delete-huge", "STREAM.DELETE of 10 GB", delete_huge, fill_huge, "huge", rest_s=2.0),
)  # fmt: skip
