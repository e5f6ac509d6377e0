"""Blocks that have left memory: changing a message in one works on its file as it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig, FileStore
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
