"""Messages above 32 MiB: the format of files has none, memory takes them, as the real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.publish.ingest import store_error
from pynats_server.jetstream.store import FileConfig, MemoryConfig, TooLarge, open_store

LARGE = b"x" * (33 << 20)


def test_memory_keeps_messages_of_more_than_32_mib() -> None:
    store = open_store(MemoryConfig("M"))
    assert store.append(b"m", None, LARGE, 1) == 1
    assert store.append(b"m", None, b"small", 2) == 2
    assert (store.load(1).payload, store.load(2).payload) == (LARGE, b"small")
    assert store.remove(1)
    assert store.msgs == 1
    store.close()


def test_a_file_refuses_them_with_the_real_servers_words(tmp_path: Path) -> None:
    store = open_store(FileConfig("F", tmp_path))
    with pytest.raises(TooLarge) as refused:
        store.append(b"f", None, LARGE, 1)
    told = store_error(refused.value).as_dict()
    assert told == {"code": 503, "err_code": 10077, "description": "message too large"}
    assert store.append(b"f", None, b"small", 2) == 1
    store.close()
