"""Requests about a stream with very many subjects, messages and gaps."""

from __future__ import annotations

import json
import time

from pynats_bench.model import LoadError
from pynats_bench.pauses.tenant import Tenant
from pynats_bench.pauses.world import Case, Step, World

API = "$JS.API."
BACKUP_CHUNK = 1 << 17  # bytes


def fill(world: World, name: str, **config: object) -> None:
    """A stream with `size` empty messages, each with a subject of its own, `NAME.<0|1>.<n>`."""
    world.tenant.create(name, allow_direct=True, **config)
    head = f"PUB {name}.".encode()
    world.tenant.send(head + b"%d.%d 0\r\n\r\n" % (n & 1, n) for n in range(world.size))
    world.tenant.settle()
    deadline = time.monotonic() + world.timeout_s * 4
    while state_of(world.tenant, name)["messages"] < world.size:  # stored with a delay by some
        if time.monotonic() > deadline:
            raise LoadError(f"{name} did not get its messages")
        time.sleep(0.05)


def state_of(tenant: Tenant, name: str) -> dict[str, int]:
    state: dict[str, int] = json.loads(tenant.ask(f"{API}STREAM.INFO.{name}"))["state"]
    return state


def memory(world: World) -> None:
    fill(world, "S")


def file(world: World) -> None:
    fill(world, "F", storage="file")


def direct(name: str, body: dict[str, object]) -> Case:
    """A direct get; its series ends with a status of its own."""

    def act(world: World) -> None:
        reader = world.tenant.another()
        inbox = f"SUB _INBOX.d 1\r\nPUB {API}DIRECT.GET.S _INBOX.d ".encode()
        payload = json.dumps(body).encode()
        reader.send([inbox, b"%d\r\n%s\r\n" % (len(payload), payload)])
        time.sleep(1.0)  # what it costs the server is measured, not how fast this reads
        reader.close()

    return Case(f"direct-{name}", f"DIRECT.GET, {name.replace('-', ' ')}", act, group="memory")


def request(
    name: str, title: str, subject: str, body: object = None, group: str = "memory"
) -> Case:
    def act(world: World) -> None:
        world.tenant.ask(API + subject, body)

    return Case(name, title, act, group=group)


def update(name: str, title: str, group: str, **config: object) -> Case:
    def act(world: World) -> None:
        stream = "S" if group == "memory" else "F"
        usual = {"name": stream, "subjects": [f"{stream}.>"], "allow_direct": True}
        storage = "memory" if group == "memory" else "file"
        answer = world.tenant.ask(
            f"{API}STREAM.UPDATE.{stream}", {**usual, "storage": storage, **config}
        )
        if b'"error"' in answer:
            raise LoadError(answer[:200].decode())

    return Case(name, title, act, group=group)


def deletion(name: str, title: str, stream: str, again: Step, group: str) -> Case:
    """Deletes a stream that was filled anew."""

    def prepare(world: World) -> None:
        world.tenant.ask(f"{API}STREAM.DELETE.{stream}")
        again(world)

    def act(world: World) -> None:
        world.tenant.ask(f"{API}STREAM.DELETE.{stream}")

    return Case(name, title, act, prepare, group)


def snapshot(tenant: Tenant, name: str) -> tuple[dict[str, object], list[bytes]]:
    """(the answer to the request, the archive's pieces)"""
    chunks: list[bytes] = []
    taker = tenant.another()
    taker.send([b"SUB _SNAP 5\r\n"])
    answer = json.loads(
        tenant.ask(
            f"{API}STREAM.SNAPSHOT.{name}",
            {"deliver_subject": "_SNAP", "chunk_size": BACKUP_CHUNK},
        )
    )
    while True:
        data, reply = taker.next()
        if not data:
            break
        chunks.append(data)
        if reply:
            taker.send([f"PUB {reply} 0\r\n\r\n".encode()])
    taker.close()
    return answer, chunks


def backup_and_restore(world: World) -> None:
    """A snapshot of F, restored as F after F is deleted."""
    tenant = world.tenant
    answer, chunks = snapshot(tenant, "F")
    tenant.ask(f"{API}STREAM.DELETE.F")
    config = {"config": answer["config"], "state": answer["state"]}
    place = json.loads(tenant.ask(f"{API}STREAM.RESTORE.F", config))["deliver_subject"]
    for data in chunks:
        tenant.ask(place, data)
    tenant.ask(place)


CASES = (
    Case("fill-memory", "filling a memory stream", memory, group="memory"),
    direct("batch-10M", {"seq": 1, "batch": 10_000_000}),
    direct("sparse-batch", {"seq": 1, "batch": 10_000_000, "next_by_subj": "S.*.7"}),
    direct("multi-last", {"multi_last": ["S.*.*"]}),
    direct("multi-last-10-times", {"multi_last": ["S.*.*"] * 10}),
    direct("multi-last-1000-times", {"multi_last": ["S.*.*"] * 1000}),
    direct("multi-last-1000-filters", {"multi_last": [f"S.*.{n}" for n in range(1000)]}),
    direct("multi-last-up-to", {"multi_last": ["S.*.*"], "up_to_seq": 500}),
    request("info-subjects", "INFO with all subjects", "STREAM.INFO.S", {"subjects_filter": ">"}),
    request(
        "info-subjects-page", "INFO, a late page of subjects", "STREAM.INFO.S",
        {"subjects_filter": "S.*.*", "offset": 200_000},
    ),
    request("get-last", "MSG.GET, last of a wildcard", "STREAM.MSG.GET.S",
            {"last_by_subj": "S.*.1"}),
    request("get-next", "MSG.GET, next of a rare subject", "STREAM.MSG.GET.S",
            {"seq": 1, "next_by_subj": "S.*.no"}),
    request("purge-keep", "PURGE, keep 1 of each", "STREAM.PURGE.S", {"filter": ">", "keep": 1}),
    request("purge-half", "PURGE of every second message", "STREAM.PURGE.S", {"filter": "S.0.*"}),
    request("info-deleted", "INFO with all gaps", "STREAM.INFO.S", {"deleted_details": True}),
    update("limit-messages", "a lower max_msgs", "memory", max_msgs=1000),
    deletion("delete-memory", "STREAM.DELETE of the full stream", "S", memory, "memory"),
    Case("fill-file", "filling a file stream", file, group="file"),
    Case("backup", "SNAPSHOT, DELETE and RESTORE", backup_and_restore, group="file"),
    request("file-info-subjects", "INFO with all subjects, file", "STREAM.INFO.F",
            {"subjects_filter": ">"}, "file"),
    request("file-purge-half", "PURGE of every second message, file", "STREAM.PURGE.F",
            {"filter": "F.0.*"}, "file"),
    request("file-info-deleted", "INFO with all gaps, file", "STREAM.INFO.F",
            {"deleted_details": True}, "file"),
    update("file-age", "a max_age that everything has passed", "file", max_age=100_000_000),
    deletion("delete-file", "STREAM.DELETE of the full stream, file", "F", file, "file"),
)  # fmt: skip
