"""A change of key or cipher: the folder goes from the real server through ours and back."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import BadKey, FileConfig
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.meta import read_meta
from pynats_server.jetstream.store.format.consumer_state import decode_consumer_state
from pynats_server.jetstream.store.format.crypt import Keys, Sealer
from test_store_reference import Contents, api, contents, read_all, reference, shown

from tests.support.records import Recorded


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


CHANGES = pytest.mark.parametrize(
    ("before", "after"),
    [("chacha", "chacha"), ("aes", "chacha"), ("chacha", "aes"), (None, "aes"), ("aes", None)],
)


def change_key(folder: Path, before: Any, after: Any) -> tuple[str, Path]:
    """Opens the real server's folder with another key and adds a message; what was in there, and
    the stream's own folder."""
    home = folder / "jetstream" / "$G" / "streams" / "T"
    old = Keys("A", "$G", before) if before else None
    new = Keys("B", "$G", after) if after else None
    config = FileConfig("T", home, block_size=32000, compress=True, keys=new, prev_keys=old)
    store = FileStore(config)
    assert store.problems == []
    found = shown(contents(store))
    assert read_meta(config)["name"] == "T"
    store.append(b"t.new", None, b"ours", 10**18)
    store.close()
    return found, home


@CHANGES
def test_a_folder_changes_its_key(
    tmp_path: Path, recorded: Recorded, before: Any, after: Any
) -> None:
    folder = tmp_path / "js"
    expected = recorded.folder(folder, lambda: shown(asyncio.run(fill(folder, before, "A"))))
    found, home = change_key(folder, before, after)
    assert found == expected
    plain = b"payload"
    assert all((plain in p.read_bytes()) == (after is None) for p in (home / "msgs").glob("1.blk"))
    assert not list(home.rglob("*.next"))
    state = (home / "obs" / "dur" / "o.dat").read_bytes()
    if after is not None:
        new = Keys("B", "$G", after)
        seed = new.recover("T.dur", (home / "obs" / "dur" / "meta.key").read_bytes())
        state = Sealer(new.cipher, seed).open(state)
    assert decode_consumer_state(state).ack_floor == (4, 4)
    if before is not None and after is not None:
        with pytest.raises(BadKey):
            FileStore(FileConfig("T", home, block_size=32000, keys=Keys("A", "$G", before)))


@pytest.mark.reference
@CHANGES
def test_the_reference_reads_a_folder_with_another_key(
    tmp_path: Path, before: Any, after: Any
) -> None:
    expected = asyncio.run(fill(tmp_path / "js", before, "A"))
    change_key(tmp_path / "js", before, after)
    found, floor = asyncio.run(look(tmp_path / "js", after, "B"))
    assert found.pop(401) == (b"t.new", b"", b"ours")
    assert found == expected
    assert floor == 4


class DyingDisk(Disk):
    """Works `left` more times, then fails: the folder is in the state after a crash."""

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
    store.write_meta({"name": "T"})
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
