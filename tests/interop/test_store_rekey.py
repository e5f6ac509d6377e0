"""A change of key or cipher: the folder goes from the real server through ours and back."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import BadKey, FileConfig, FileStore
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.meta import read_meta, write_meta
from pynats_server.jetstream.store.format.consumer_state import decode_consumer_state
from pynats_server.jetstream.store.format.crypt import Keys, Sealer
from test_store_reference import api, read_all, reference

Contents = dict[int, tuple[bytes, bytes, bytes]]


def contents(store: FileStore) -> Contents:
    found = {}
    for seq, _ in store.oldest():
        m = store.load(seq)
        found[seq] = (m.subject, m.headers, m.payload)
    return found


async def fill(folder: Path, cipher: str | None, key: str) -> Contents:
    async with reference(folder, cipher, key) as client:
        made = await api(
            client,
            "STREAM.CREATE.T",
            name="T",
            subjects=["t.>"],
            max_bytes=90000,
            compression="s2",
            storage="file",
        )
        assert "error" not in made
        js = client.jetstream()
        for i in range(400):
            await js.publish(f"t.{i % 7}", b"payload %d " % i * 4)
        await api(client, "STREAM.MSG.DELETE.T", seq=77, no_erase=True)
        consumer = {"durable_name": "dur", "ack_policy": "explicit"}
        await api(client, "CONSUMER.DURABLE.CREATE.T.dur", stream_name="T", config=consumer)
        bound = await js.pull_subscribe_bind(consumer="dur", stream="T")
        for message in await bound.fetch(4):
            await message.ack_sync()
        return await read_all(client)


async def look(folder: Path, cipher: str | None, key: str) -> tuple[Contents, int]:
    async with reference(folder, cipher, key) as client:
        info = await api(client, "CONSUMER.INFO.T.dur")
        return await read_all(client), info["ack_floor"]["stream_seq"]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("before", "after"),
    [("chacha", "chacha"), ("aes", "chacha"), ("chacha", "aes"), (None, "aes"), ("aes", None)],
)
def test_a_folder_changes_its_key(tmp_path: Path, before: Any, after: Any) -> None:
    expected = asyncio.run(fill(tmp_path / "js", before, "A"))
    home = tmp_path / "js" / "jetstream" / "$G" / "streams" / "T"
    old = Keys("A", "$G", before) if before else None
    new = Keys("B", "$G", after) if after else None
    config = FileConfig("T", home, block_size=32000, compress=True, keys=new, prev_keys=old)
    store = FileStore(config)
    assert store.problems == []
    assert contents(store) == expected
    assert read_meta(config)["name"] == "T"
    store.append(b"t.new", None, b"ours", 10**18)
    store.close()
    plain = b"payload"
    assert all((plain in p.read_bytes()) == (after is None) for p in (home / "msgs").glob("1.blk"))
    assert not list(home.rglob("*.next"))
    state = (home / "obs" / "dur" / "o.dat").read_bytes()
    if new is not None:
        seed = new.recover("T.dur", (home / "obs" / "dur" / "meta.key").read_bytes())
        state = Sealer(new.cipher, seed).open(state)
    assert decode_consumer_state(state).ack_floor == (4, 4)
    if old is not None and new is not None:
        with pytest.raises(BadKey):
            FileStore(FileConfig("T", home, block_size=32000, keys=old))
    found, floor = asyncio.run(look(tmp_path / "js", after, "B"))
    assert found.pop(401) == (b"t.new", b"", b"ours")
    assert found == expected
    assert floor == 4


class DyingDisk(Disk):
    """Works `left` more times, then not at all: the folder is what a crash leaves."""

    def __init__(self, left: int) -> None:
        self.left = left

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt

    def rename(self, source: Path, target: Path) -> None:
        self.step()
        super().rename(source, target)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self.step()
        super().write(handle, data, offset)

    def remove(self, path: Path) -> None:
        self.step()
        super().remove(path)


@pytest.mark.parametrize(
    ("before", "after"), [("chacha", "aes"), ("aes", "aes"), (None, "chacha"), ("aes", None)]
)
def test_a_crash_at_any_step_loses_nothing(tmp_path: Path, before: Any, after: Any) -> None:
    old = Keys("A", "$G", before) if before else None
    new = Keys("B", "$G", after) if after else None
    golden = tmp_path / "golden"
    store = FileStore(FileConfig("T", golden, block_size=600, compress=True, keys=old))
    for i in range(40):
        store.append(b"t.%d" % (i % 3), None, b"value %d" % i, i)
    store.remove(9)
    store.flush()
    write_meta(store, {"name": "T"})
    expected = contents(store)
    store.close()
    steps, finished = 0, False
    while not finished:
        home = tmp_path / "copy"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(golden, home)
        config = FileConfig("T", home, block_size=600, compress=True, keys=new, prev_keys=old)
        try:
            FileStore(config, disk=DyingDisk(steps)).close()
            finished = True
        except KeyboardInterrupt:
            pass
        store = FileStore(config)
        assert store.problems == [], steps
        assert contents(store) == expected, steps
        assert read_meta(config) == {"name": "T"}
        store.close()
        steps += 1
    assert steps > 20
