"""Limits and TTLs: we keep the same messages as the real server, and folders keep their TTLs."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.index_db import decode_index
from pynats_server.jetstream.store.memory import MemoryStore
from test_store_reference import api, contents, read_all, reference, shown

from tests.support.deadline import wait_until_async
from tests.support.records import Recorded

SECOND = 1_000_000_000
LIMITS = [
    {"max_msgs": 7},
    {"max_bytes": 400},
    {"max_msgs_per_subject": 1},
    {"max_msgs_per_subject": 3},
    {"max_msgs": 9, "max_msgs_per_subject": 2},
    {"max_bytes": 500, "max_msgs_per_subject": 2, "max_msgs": 12},
]


Step = tuple[str, Any, int]  # "publish", subject, size; "delete", "", sequence; "look"


def limited(store: FileStore | MemoryStore, limits: dict[str, int]) -> tuple[list[Step], list[Any]]:
    """What a stream has to go through, and what our store has each time one looks."""
    chance = random.Random(5)
    steps: list[Step] = []
    states = []
    for i in range(120):
        subject, size = f"L.{chance.choice('abcdaab')}", chance.randrange(40)
        steps.append(("publish", subject, size))
        store.append(subject.encode(), None, b"x" * size, i)
        store.enforce_limits(
            limits.get("max_msgs", 0),
            limits.get("max_bytes", 0),
            limits.get("max_msgs_per_subject", 0),
            subject.encode(),
        )
        if i % 17 == 5:
            seq = chance.choice([seq for seq, _ in store.oldest()])
            steps.append(("delete", "", seq))
            store.remove(seq)
        if i % 10 == 9:
            steps.append(("look", "", 0))
            state = store.state(deleted=True)
            states.append(
                {
                    "messages": state.msgs,
                    "bytes": state.bytes,
                    "first_seq": state.first_seq,
                    "last_seq": state.last_seq,
                    "deleted": list(state.deleted),
                    "subjects": {k.decode(): v for k, v in store.subject_totals(b">").items()},
                }
            )
    return steps, states


async def play(folder: Path, config: dict[str, Any], steps: list[Step]) -> list[Any]:
    """What the real server has each time one looks."""
    name, states = config["name"], []
    async with reference(folder, None) as client:
        made = await api(client, f"STREAM.CREATE.{name}", **config)
        assert "error" not in made, made
        js = client.jetstream()
        for kind, subject, number in steps:
            if kind == "publish":
                await js.publish(subject, b"x" * number)
            elif kind == "delete":
                await api(client, f"STREAM.MSG.DELETE.{name}", seq=number)
            else:
                asked = {"deleted_details": True, "subjects_filter": ">"}
                state = (await api(client, f"STREAM.INFO.{name}", **asked))["state"]
                keep = ("messages", "bytes", "first_seq", "last_seq")
                kept = {key: state[key] for key in keep}
                kept["deleted"] = state.get("deleted", [])
                states.append(kept | {"subjects": dict(sorted(state["subjects"].items()))})
    return states


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: ",".join(limits))
@pytest.mark.parametrize("storage", ["file", "memory"])
def test_limits_leave_what_the_reference_leaves(
    tmp_path: Path, recorded: Recorded, storage: str, limits: dict[str, int]
) -> None:
    store = MemoryStore("L") if storage == "memory" else FileStore(FileConfig("L", tmp_path / "L"))
    steps, states = limited(store, limits)
    store.close()
    config = {"name": "L", "subjects": ["L.>"], "storage": storage, **limits}
    assert states == recorded.of(lambda: asyncio.run(play(tmp_path / "js", config, steps)))


CONFIG: dict[str, Any] = {
    "name": "T",
    "subjects": ["t.>"],
    "storage": "file",
    "allow_msg_ttl": True,
    "allow_msg_schedules": True,
    "allow_rollup_hdrs": True,
}


VALUES = ["90s", "never", "1h1m", "100", "61500ms", "1.5h"]


async def write_ttls(folder: Path) -> str:
    async with reference(folder, None) as client:
        assert "error" not in await api(client, "STREAM.CREATE.T", **CONFIG)
        js = client.jetstream()
        for i, value in enumerate(VALUES):
            await js.publish(f"t.{i}", b"x", headers={"Nats-TTL": value})
        await js.publish("t.none", b"x")
        schedule = {
            "Nats-Schedule": "@at 2099-01-01T00:00:00Z",
            "Nats-Schedule-Target": "t.later",
        }
        await js.publish("t.schedule", b"x", headers=schedule)
        return shown(await read_all(client))


@pytest.mark.parametrize("index", [True, False])
def test_ttls_of_the_reference_are_found_again(
    tmp_path: Path, recorded: Recorded, index: bool
) -> None:
    folder = tmp_path / "js"
    expected = recorded.folder(folder, lambda: asyncio.run(write_ttls(folder)))
    home = folder / "jetstream" / "$G" / "streams" / "T"
    theirs = decode_index((home / "msgs" / "index.db").read_bytes()[:-8])
    if not index:
        (home / "msgs" / "index.db").unlink()
    store = FileStore(FileConfig("T", home))
    assert store.problems == []
    assert shown(contents(store)) == expected
    stamps = dict(store.oldest())
    ends = {1: 90, 3: 3660, 4: 100, 5: 61, 6: 5400}
    ends = {seq: stamps[seq] + seconds * SECOND for seq, seconds in ends.items()}
    assert store.next_expiry() == ends[5]
    for seq, at in ends.items():
        due = [row[0] for row in store.expired(at)]
        assert due == sorted(s for s, end in ends.items() if end <= at), seq
    ours = store.index_state().blocks
    assert [(b.ttls, b.schedules) for b in ours] == [(b.ttls, b.schedules) for b in theirs.blocks]
    assert ours[0].ttls == 5
    store.close()


@pytest.mark.reference
@pytest.mark.parametrize("crash", [False, True])
def test_the_reference_expires_what_we_wrote(tmp_path: Path, crash: bool) -> None:
    home = tmp_path / "js" / "jetstream" / "$G" / "streams" / "T"
    store = FileStore(FileConfig("T", home))
    now = time.time_ns()
    for i in range(30):
        ttl = b"NATS/1.0\r\nNats-TTL: %s\r\n\r\n" % (b"5s" if i % 2 else b"1h")
        store.append(b"t.%d" % i, ttl if i % 3 else None, b"x", now - 6 * SECOND)
        store.enforce_limits(max_msgs=20)
    keep = {seq for seq, _ in store.oldest() if (seq - 1) % 3 == 0 or (seq - 1) % 2 == 0}
    store.write_meta(
        {
            **CONFIG,
            "Created": "2026-01-02T03:04:05Z",
            "retention": "limits",
            "max_consumers": -1,
            "max_msgs": 20,
            "max_bytes": -1,
            "max_age": 0,
            "max_msgs_per_subject": -1,
            "max_msg_size": -1,
            "discard": "old",
            "num_replicas": 1,
            "duplicate_window": 120_000_000_000,
            "compression": "none",
            "consumer_limits": {},
        },
    )
    if crash:
        store.flush()  # the folder after kill -9: no index, the limit applied by a floor
    else:
        store.close()

    async def read() -> None:
        async with reference(tmp_path / "js", None) as client:

            async def trimmed() -> bool:
                state = (await api(client, "STREAM.INFO.T"))["state"]
                return bool(state["messages"] == len(keep))

            await wait_until_async(trimmed, "the limit applied")
            assert set(await read_all(client)) == keep

    asyncio.run(read())
    store.close() if not crash else store.committer.abandon()
