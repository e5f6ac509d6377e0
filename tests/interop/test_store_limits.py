"""Limits and TTLs: what stays is what the real server keeps, and folders carry their TTLs."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig, FileStore, MemoryStore
from pynats_server.jetstream.store.file.meta import write_meta
from pynats_server.jetstream.store.format.index_db import decode_index
from test_store_reference import api, read_all, reference

pytestmark = pytest.mark.reference
SECOND = 1_000_000_000
LIMITS = [
    {"max_msgs": 7},
    {"max_bytes": 400},
    {"max_msgs_per_subject": 1},
    {"max_msgs_per_subject": 3},
    {"max_msgs": 9, "max_msgs_per_subject": 2},
    {"max_bytes": 500, "max_msgs_per_subject": 2, "max_msgs": 12},
]


@pytest.mark.parametrize("storage", ["file", "memory"])
def test_limits_leave_what_the_reference_leaves(tmp_path: Path, storage: str) -> None:
    async def run() -> None:
        chance = random.Random(5)
        async with reference(tmp_path / "js", None) as client:
            js = client.jetstream()
            for number, limits in enumerate(LIMITS):
                name = f"L{number}"
                made = await api(
                    client,
                    f"STREAM.CREATE.{name}",
                    name=name,
                    subjects=[f"{name}.>"],
                    storage=storage,
                    **limits,
                )
                assert "error" not in made, made
                store = (
                    FileStore(FileConfig(name, tmp_path / name))
                    if storage == "file"
                    else MemoryStore(name)
                )
                for i in range(120):
                    subject = f"{name}.{chance.choice('abcdaab')}"
                    payload = b"x" * chance.randrange(40)
                    await js.publish(subject, payload)
                    store.append(subject.encode(), None, payload, i)
                    store.enforce_limits(
                        limits.get("max_msgs", 0),
                        limits.get("max_bytes", 0),
                        limits.get("max_msgs_per_subject", 0),
                        subject.encode(),
                    )
                    if i % 17 == 5:
                        seq = chance.choice([seq for seq, _ in store.oldest()])
                        await api(client, f"STREAM.MSG.DELETE.{name}", seq=seq)
                        store.remove(seq)
                    if i % 10 == 9:
                        info = await api(
                            client,
                            f"STREAM.INFO.{name}",
                            deleted_details=True,
                            subjects_filter=">",
                        )
                        theirs, ours = info["state"], store.state(deleted=True)
                        assert theirs["messages"] == ours.msgs, (limits, i)
                        assert theirs["bytes"] == ours.bytes
                        assert (theirs["first_seq"], theirs["last_seq"]) == (
                            ours.first_seq,
                            ours.last_seq,
                        )
                        assert theirs.get("deleted", []) == ours.deleted
                        totals = store.subject_totals(b">")
                        assert theirs["subjects"] == {k.decode(): v for k, v in totals.items()}
                store.close()

    asyncio.run(run())


CONFIG: dict[str, Any] = {
    "name": "T",
    "subjects": ["t.>"],
    "storage": "file",
    "allow_msg_ttl": True,
    "allow_msg_schedules": True,
    "allow_rollup_hdrs": True,
}


@pytest.mark.parametrize("index", [True, False])
def test_ttls_of_the_reference_are_found_again(tmp_path: Path, index: bool) -> None:
    values = ["90s", "never", "1h1m", "100", "61500ms", "1.5h"]

    async def write() -> None:
        async with reference(tmp_path / "js", None) as client:
            assert "error" not in await api(client, "STREAM.CREATE.T", **CONFIG)
            js = client.jetstream()
            for i, value in enumerate(values):
                await js.publish(f"t.{i}", b"x", headers={"Nats-TTL": value})
            await js.publish("t.none", b"x")
            schedule = {
                "Nats-Schedule": "@at 2099-01-01T00:00:00Z",
                "Nats-Schedule-Target": "t.later",
            }
            await js.publish("t.schedule", b"x", headers=schedule)

    asyncio.run(write())
    home = tmp_path / "js" / "jetstream" / "$G" / "streams" / "T"
    theirs = decode_index((home / "msgs" / "index.db").read_bytes()[:-8])
    if not index:
        (home / "msgs" / "index.db").unlink()
    store = FileStore(FileConfig("T", home))
    assert store.problems == []
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


@pytest.mark.parametrize("crash", [False, True])
def test_the_reference_expires_what_we_wrote(tmp_path: Path, crash: bool) -> None:
    home = tmp_path / "js" / "jetstream" / "$G" / "streams" / "T"
    store = FileStore(FileConfig("T", home))
    now = store.clock()
    for i in range(30):
        ttl = b"NATS/1.0\r\nNats-TTL: %s\r\n\r\n" % (b"5s" if i % 2 else b"1h")
        store.append(b"t.%d" % i, ttl if i % 3 else None, b"x", now - 6 * SECOND)
        store.enforce_limits(max_msgs=20)
    keep = {seq for seq, _ in store.oldest() if (seq - 1) % 3 == 0 or (seq - 1) % 2 == 0}
    write_meta(
        store,
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
        store.flush()  # the folder as kill -9 leaves it: no index, the limit applied by a floor
    else:
        store.close()

    async def read() -> None:
        async with reference(tmp_path / "js", None) as client:
            for _ in range(200):
                found = (await api(client, "STREAM.INFO.T"))["state"]["messages"]
                if found == len(keep):
                    break
                await asyncio.sleep(0.05)
            assert set(await read_all(client)) == keep

    asyncio.run(read())
    store.close() if not crash else store.committer.abandon()
