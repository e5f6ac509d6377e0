"""Gaps in the sequences cost nothing, whatever their size: a mirror follows its origin over any
gap."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig, StoreError
from pynats_server.jetstream.store.base import DELETED_MAX
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore

from tests.support.deadline import wait_until_async
from tests.support.jetstream import api, connect, jetstream_server

WIDE = 1 << 50


def check(store: FileStore | MemoryStore) -> None:
    state = store.state(deleted=True)
    assert (state.msgs, state.first_seq, state.last_seq) == (2, 1, WIDE + 2)
    assert state.num_deleted == WIDE
    assert state.deleted == list(range(2, DELETED_MAX + 2))
    assert store.load(1).payload == b"before"
    assert store.load(WIDE + 2).payload == b"after"
    assert store.get(WIDE) is None


def fill(store: FileStore | MemoryStore) -> None:
    store.append(b"s", None, b"before", 1)
    assert store.skip(WIDE, 2) == WIDE + 1
    assert store.append(b"s", None, b"after", 3) == WIDE + 2


def test_in_memory() -> None:
    store = MemoryStore("S")
    fill(store)
    check(store)
    store.close()


@pytest.mark.parametrize("index", [True, False], ids=["index", "scan"])
def test_on_disk(tmp_path: Path, index: bool) -> None:
    config = FileConfig("S", tmp_path / "S")
    store = FileStore(config)
    fill(store)
    check(store)
    store.close()
    if not index:
        (tmp_path / "S/msgs/index.db").unlink()
    store = FileStore(config)
    check(store)
    assert store.append(b"s", None, b"more", 4) == WIDE + 3
    store.close()


def test_a_gap_at_the_end(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path / "S")
    store = FileStore(config)
    store.append(b"s", None, b"before", 1)
    store.skip(WIDE, 2)
    store.close()
    (tmp_path / "S/msgs/index.db").unlink()
    store = FileStore(config)
    assert (store.msgs, store.last_seq) == (1, WIDE + 1)
    store.close()


def test_damage_beside_a_gap(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path / "S")
    store = FileStore(config)
    fill(store)
    store.close()
    os.truncate(tmp_path / "S/msgs/2.blk", 40)  # its last record is incomplete
    store = FileStore(config)
    assert store.load(1).payload == b"before"
    assert (store.msgs, store.last_seq) == (1, WIDE + 2)
    assert store.state().lost == [WIDE + 2]
    with pytest.raises(StoreError):
        store.load(WIDE + 2)
    store.close()


def test_a_mirror_follows_over_a_gap(tmp_path: Path) -> None:
    async def run() -> None:
        async with jetstream_server(tmp_path) as server:
            client = await connect(server.client_url)

            async def followed(count: int) -> bool:
                return (await api(client, "STREAM.INFO.M"))["state"]["messages"] == count

            await api(client, "STREAM.CREATE.A", {"name": "A", "subjects": ["a"]})
            await api(client, "STREAM.CREATE.M", {"name": "M", "mirror": {"name": "A"}})
            await client.request("a", b"before")
            await wait_until_async(lambda: followed(1), "the first message")
            await api(client, "STREAM.PURGE.A", {"seq": WIDE})
            await client.request("a", b"after")
            await wait_until_async(lambda: followed(2), "the second message")
            state = (await api(client, "STREAM.INFO.M", {"deleted_details": True}))["state"]
            assert (state["first_seq"], state["last_seq"]) == (1, WIDE)
            assert len(state["deleted"]) <= DELETED_MAX
            await client.close()

    asyncio.run(run())
