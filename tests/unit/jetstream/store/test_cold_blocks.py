"""Blocks that are no longer in memory: changing a message works on the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.crypt import Keys


@pytest.mark.parametrize("keys", [None, Keys("secret", "A"), Keys("secret", "A", "aes")])
@pytest.mark.parametrize("compress", [False, True])
def test_erase_in_a_cold_block(tmp_path: Path, compress: bool, keys: Keys | None) -> None:
    config = FileConfig(
        "S", tmp_path / "S", block_size=700, compress=compress, keys=keys, cache_bytes=1
    )
    store = FileStore(config)
    for number in range(1, 201):
        store.append(b"s.%d" % (number % 3), None, b"payload %d " % number * 4, number)
        store.flush()
    for seq in (3, 50, 51, 199):
        assert store.erase(seq)
    expected = {}
    for seq, _ in store.oldest():
        expected[seq] = store.load(seq).payload
    assert len(expected) == 196
    store.close()
    again = FileStore(config)
    assert {seq: again.load(seq).payload for seq, _ in again.oldest()} == expected
    assert again.problems == []
    again.close()


def test_truncate_inside_a_block_that_is_not_in_memory(tmp_path: Path) -> None:
    """What is above lies in other blocks or was removed, so nothing else has read it before."""
    config = FileConfig("S", tmp_path / "S", block_size=400, cache_bytes=1)
    store = FileStore(config)
    for number in range(1, 31):
        store.append(b"s", None, b"%02d" % number, number)
    index = store.block_at(10)
    last = store.blocks[index].last_seq
    store.remove(last)
    store.close()
    store = FileStore(config)
    assert not store.blocks[index].loaded
    store.truncate(last - 1)
    kept = list(range(1, last))
    for _ in range(2):
        assert (store.msgs, store.last_seq) == (len(kept), last - 1)
        assert [int(store.load(seq).payload) for seq in kept] == kept
        store.close()
        store = FileStore(config)
    store.close()


def test_truncate_takes_damaged_messages_too(tmp_path: Path) -> None:
    """Damage that nobody has met before: the saved index vouches for blocks that are not read."""
    config = FileConfig("S", tmp_path / "S", block_size=400)
    store = FileStore(config)
    for number in range(1, 41):
        store.append(b"s", None, b"payload %02d" % number, number)
    path = tmp_path / f"S/msgs/{store.blocks[store.block_at(25)].index}.blk"
    store.close()
    path.write_bytes(path.read_bytes().replace(b"payload 25", b"PAYLOAD 25"))
    store = FileStore(config)
    store.truncate(10)
    assert (store.msgs, store.first_seq, store.last_seq) == (10, 1, 10)
    assert list(store.lost) == []
    assert store.append(b"s", None, b"new", 50) == 11
    assert store.compact(50) == 11
    assert store.msgs == 0
    store.close()


def test_buffers_beyond_those_kept_for_good_go_when_nobody_reads_them(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path / "S", block_size=4000, cache_bytes=40_000, kept_bytes=10_000)
    store = FileStore(config)
    for number in range(1, 601):
        store.append(b"s", None, b"%03d" % number * 25, number)
    store.flush()

    def read(first: int, last: int) -> None:
        assert [int(store.load(seq).payload[:3]) for seq in range(first, last + 1)] == [
            *range(first, last + 1)
        ]

    def held() -> int:
        return sum(block.buffered for block in store.blocks if block is not store.tail)

    read(1, 600)
    assert 30_000 < held() <= 40_000
    assert store.drop_idle()  # all were read a moment ago
    assert held() > 30_000
    read(400, 600)
    assert store.drop_idle()  # the others were not
    assert 10_000 < held() < 30_000
    assert all(block.loaded for block in store.blocks[store.block_at(400) :])
    assert not store.drop_idle()
    assert held() <= 10_000
    read(1, 600)
    store.close()
