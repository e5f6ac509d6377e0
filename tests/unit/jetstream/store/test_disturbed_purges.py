"""Purges and expiry in steps while the messages they count and take go another way, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.search.queries import SCAN

from tests.support.fulldisk import FullDisk

MANY = SCAN * 3


@pytest.mark.parametrize("purge", [(b"s.1",), (b">",), (b">", 9_000_000), (b"s.*", 0, 2)])
def test_a_purge_spares_messages_that_got_sequences_which_a_full_disk_freed(
    tmp_path: Path, purge: tuple[bytes, int, int]
) -> None:
    """It was asked for when others had these sequences, who were never acknowledged."""
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path, block_size=10_000_000), disk=disk)
    for at in range(MANY):
        store.append(b"s.%d" % (at % 10), None, b"x", at + 1)
    store.flush()
    for _ in range(5):
        store.append(b"s.1", None, b"not written", MANY + 1)
    work = store.purging(*purge)
    store.append(b"t", None, b"not written", MANY + 1)
    disk.room = 0
    with pytest.raises(StoreFull):
        store.flush()
    disk.room = None
    assert store.last_seq == MANY
    later = [store.append(b"s.1", None, b"acknowledged", MANY + 2) for _ in range(5)]
    store.flush()
    for _ in work:
        pass
    assert [seq for seq in later if store.is_live(seq)] == later
    store.close()
    again = FileStore(FileConfig("S", tmp_path, block_size=10_000_000))
    assert [seq for seq in later if again.is_live(seq)] == later
    again.close()


@pytest.mark.parametrize("purge", [(b"s.1",), (b">", 9_000_000)])
def test_a_purge_spares_messages_that_got_the_sequences_of_a_batch_taken_back(
    purge: tuple[bytes, int],
) -> None:
    store: BlockStore = MemoryStore("S")
    for at in range(100):
        store.append(b"s.1", None, b"x", at + 1)
    work = store.purging(*purge)
    store.truncate(90)
    later = [store.append(b"s.1", None, b"", 200) for _ in range(20)]
    for _ in work:
        pass
    assert [seq for seq, _ in store.oldest()] == later


def test_what_expires_spares_messages_that_got_sequences_taken_back() -> None:
    store = MemoryStore("S")
    for _ in range(5):
        store.append(b"s", b"NATS/1.0\r\nNats-TTL: 1\r\n\r\n", b"x", 1)
    rows = store.expired(10**10, 0, True, 100)
    assert next(rows)[0] == 1
    store.truncate(2)
    later = [store.append(b"s", None, b"x", 10**10) for _ in range(3)]
    assert later == [3, 4, 5]
    assert [row[0] for row in rows] == [2]


def test_a_purge_ends_though_messages_of_a_block_go_while_they_are_counted(tmp_path: Path) -> None:
    """A block in which all is to go needs no tombstones; here the numbers agree, and some stay."""
    config = FileConfig("S", tmp_path, block_size=10_000_000)
    store = FileStore(config)
    staying = [MANY // 2, MANY // 2 + 1, MANY // 2 + 2]
    for at in range(1, MANY + 1):
        store.append(b"t" if at in staying else b"s.1", None, b"x", at)
    store.roll_block()
    work = store.purging(b"s.1")
    next(work)  # has counted the first
    for seq in (5, 6, 7):
        store.remove(seq)
    for steps, _ in enumerate(work):
        assert steps < MANY
    assert [seq for seq, _ in store.oldest()] == staying  # and the purge has written all
    killed = FileStore(config)
    assert (killed.problems, [seq for seq, _ in killed.oldest()]) == ([], staying)
    killed.close()
    store.close()
    again = FileStore(config)
    assert [seq for seq, _ in again.oldest()] == staying
    again.close()


@pytest.mark.parametrize("steps", range(1, 8))
def test_what_a_purge_that_ended_with_its_stream_removed_stays_away(
    tmp_path: Path, steps: int
) -> None:
    """Blocks in which all was to go have no tombstones; nor does an index say so for ever."""
    config = FileConfig("S", tmp_path, block_size=30_000)
    store = FileStore(config)
    for at in range(4000):
        store.append(b"s.1" if 100 < at < 3900 else b"t", None, b"x", at + 1)
    work = store.purging(b"s.1")
    for _ in range(steps):
        next(work)
    store.save_index()  # as a timer does
    work.close()
    store.close()
    opened = FileStore(config)
    left = [seq for seq, _ in opened.oldest()]
    assert left[0] == 1
    assert len(left) >= 200
    opened.close()
    (tmp_path / "msgs" / "index.db").unlink()
    again = FileStore(config)
    assert (again.problems, [seq for seq, _ in again.oldest()]) == ([], left)
    again.close()
