"""Who watches a store hears of every message that comes or goes, or that it has to look anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore

from tests.support.fulldisk import FullDisk
from tests.support.watched import Picture


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlockStore:
    if request.param == "memory":
        return MemoryStore("S")
    return FileStore(FileConfig("S", tmp_path / "S", block_size=2000))


def fill(store: BlockStore, count: int = 100) -> Picture:
    picture = Picture(store)
    for at in range(count):
        store.append(b"s.%d" % (at % 10), None, b"x", at + 1)
    assert picture.messages == {at + 1: b"s.%d" % (at % 10) for at in range(count)}
    picture.sweeps = 0
    return picture


def true(store: BlockStore) -> dict[int, bytes]:
    return {seq: store.load(seq).subject for seq, _ in store.oldest()}


def test_deletes_and_limits_are_told_apart_from_purges(store: BlockStore) -> None:
    picture = fill(store)
    store.remove(5)
    store.erase(6)
    store.enforce_limits(90)
    assert (picture.deleted, picture.purged) == (10, 0)
    store.purge(b"s.1")
    store.purge(b">", 50)
    assert picture.purged == 90 - store.msgs == 44
    assert (picture.deleted, picture.sweeps) == (10, 0)
    for _ in store.purging(b"s.2", purged=False):
        pass
    assert (picture.deleted, picture.sweeps) == (15, 0)
    assert picture.messages == true(store)


@pytest.mark.parametrize("bulk", ["purge", "compact", "truncate", "keep_last"])
def test_what_goes_in_one_piece_is_told_as_one_thing(store: BlockStore, bulk: str) -> None:
    picture = fill(store)
    if bulk == "purge":
        store.purge()
    elif bulk == "compact":
        store.compact(200)
    elif bulk == "truncate":
        store.truncate(50)
    else:
        store.keep_last()
    assert picture.sweeps
    store.append(b"s.new", None, b"", 1000)
    assert picture.messages == true(store)


def test_what_a_full_disk_undoes_is_looked_at_anew(tmp_path: Path) -> None:
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=100_000), disk=disk)
    picture = fill(store)
    store.flush()
    before = dict(picture.messages)
    disk.room = 0
    for _ in range(5):
        store.append(b"s.late", None, b"", 1000)
        store.enforce_limits(100)
    assert picture.messages == true(store) != before
    with pytest.raises(StoreFull):
        store.flush()
    assert picture.sweeps
    assert picture.messages == true(store) == before
    disk.room = None
    store.close()


def test_damage_that_is_found_later_is_told(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path / "S", block_size=2000, cache_bytes=2500)
    store = FileStore(config)
    for at in range(200):
        store.append(b"s.%d" % (at % 10), None, b"x", at + 1)
    store.close()
    store = FileStore(config)
    picture = Picture(store)
    path = store.files.path_of(store.blocks[0])
    data = bytearray(path.read_bytes())
    data[70] ^= 1
    path.write_bytes(data)
    assert not store.blocks[0].loaded
    messages = true(store)
    assert len(messages) == 199
    assert picture.sweeps == 1
    assert picture.messages == messages
    store.close()
