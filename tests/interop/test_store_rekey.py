"""A change of key or cipher: the folder goes from the real server through ours and back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import BadKey, FileConfig
from pynats_server.jetstream.store.consumers.recovery import Extent, recover_consumers
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.meta import read_meta
from pynats_server.jetstream.store.format.consumer_state import decode_consumer_state
from pynats_server.jetstream.store.format.crypt import Keys, Sealer
from pynats_server.jetstream.store.rekeying.folder import changing_key
from pynats_server.jetstream.store.rekeying.ring import key_ring
from pynats_server.work import finish
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


async def look(folder: Path, cipher: str | None, key: str) -> tuple[Contents, int | None]:
    """What is in a folder, and how far the consumer is; None when the real server has lost it."""
    async with reference(folder, cipher, key) as client:
        info = await api(client, "CONSUMER.INFO.T.dur")
        floor = None if "error" in info else info["ack_floor"]["stream_seq"]
        return await read_all(client), floor


CHANGES = pytest.mark.parametrize(
    ("before", "after"),
    [("chacha", "chacha"), ("aes", "chacha"), ("chacha", "aes"), (None, "aes")],
)


def change_key(folder: Path, before: Any, after: Any) -> tuple[str, Path]:
    """Opens the real server's folder with another key and adds a message; what was in there, and
    the stream's own folder."""
    home = folder / "jetstream" / "$G" / "streams" / "T"
    ring = key_ring("B", "A" if before else "", "$G", after)
    assert ring is not None
    assert finish(changing_key(home, "T", ring))
    config = FileConfig("T", home, block_size=32000, compress=True, keys=ring.current)
    store = FileStore(config)
    assert store.problems == []
    found = shown(contents(store))
    assert read_meta(config)["name"] == "T"
    store.append(b"t.new", None, b"ours", 10**18)
    store.close()
    return found, home


def consumer_floor(home: Path, cipher: Any) -> tuple[int, int]:
    new = Keys("B", "$G", cipher)
    seed = new.recover("T.dur", (home / "obs" / "dur" / "meta.key").read_bytes())
    state = Sealer(new.cipher, seed).open((home / "obs" / "dur" / "o.dat").read_bytes())
    return decode_consumer_state(state).ack_floor


@CHANGES
def test_a_folder_changes_its_key(
    tmp_path: Path, recorded: Recorded, before: Any, after: Any
) -> None:
    folder = tmp_path / "js"
    expected = recorded.folder(folder, lambda: shown(asyncio.run(fill(folder, before, "A"))))
    found, home = change_key(folder, before, after)
    assert found == expected
    plain = b"payload"
    assert not any(plain in p.read_bytes() for p in (home / "msgs").glob("*.blk"))
    assert not list(home.rglob("*.next"))
    assert consumer_floor(home, after) == (4, 4)
    if before is not None:
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


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [("aes", "aes", "B"), ("chacha", "aes", "B"), ("aes", "chacha", "A"), (None, "aes", "B")],
)
def test_we_go_on_where_the_reference_changed_the_key(
    tmp_path: Path, recorded: Recorded, before: Any, after: Any, key: str
) -> None:
    folder = tmp_path / "js"

    async def changed() -> list[Any]:
        await fill(folder, before, "A")
        async with reference(folder, after, key, prev_key="A" if before else "") as client:
            info = await api(client, "CONSUMER.INFO.T.dur")
            floor = None if "error" in info else info["ack_floor"]["stream_seq"]
            return [shown(await read_all(client)), floor]

    expected, floor = recorded.folder(folder, lambda: asyncio.run(changed()))
    # It leaves consumers under the previous key, and does not serve them any more.
    assert floor == (None if before and key == "B" else 4)
    home = folder / "jetstream" / "$G" / "streams" / "T"
    ring = key_ring(key, "A" if before else "", "$G", after)
    assert ring is not None
    assert finish(changing_key(home, "T", ring)) == (floor is None)
    store = FileStore(FileConfig("T", home, block_size=32000, compress=True, keys=ring.current))
    assert store.problems == []
    assert shown(contents(store)) == expected
    store.close()
    config = FileConfig("T", home, keys=ring.current)
    recovery = recover_consumers(config, Extent(400, lambda _: 1), 10**18)
    assert recovery.broken == {}
    assert [each.state.ack_floor for each in recovery.consumers] == [(4, 4)]
