"""Limits, ages and their traces on disk: cases that the random model does not cover."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.expiry import ExpiryQueue, ttl_of
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.record import counted_size, record_size
from pynats_server.work import finish

from tests.support.fulldisk import FullDisk

SECOND = 1_000_000_000


def payloads(store: BlockStore) -> list[bytes]:
    return [store.load(seq).payload for seq, _ in store.oldest()]


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlockStore:
    if request.param == "memory":
        return MemoryStore("S")
    return FileStore(FileConfig("S", tmp_path, block_size=500))


@pytest.mark.parametrize("headers", [b"", b"NATS/1.0\r\nA: b\r\n\r\n"])
@pytest.mark.parametrize("payload", [b"", b"hello"])
def test_sizes_that_are_told_beforehand_are_what_a_message_takes(
    store: BlockStore, headers: bytes, payload: bytes
) -> None:
    overhead = 16 if isinstance(store, MemoryStore) else 34 if headers else 30
    size = store.size_of(1, len(headers), len(payload))
    assert size == overhead + 1 + len(headers) + len(payload)
    assert size == counted_size(isinstance(store, FileStore), 1, len(headers), len(payload))
    store.append(b"s", headers, payload, 1)
    store.append(b"s", None, b"keeps the block alive", 2)
    assert store.state().bytes == size + store.size_of(1, 0, 21)
    assert store.blocks[0].record_length(1) == record_size(1, len(headers), len(payload))
    store.remove(1)
    assert store.state().bytes == store.size_of(1, 0, 21)


def test_max_bytes_keeps_the_newest_that_fit(store: BlockStore) -> None:
    kept: deque[bytes] = deque()
    overhead = store.size_of(1, 0, 0)
    for i in range(200):
        payload = b"x" * (i * 7 % 50)
        kept.append(payload)
        store.append(b"s", None, payload, i)
        store.enforce_limits(max_bytes=300)
        while sum(len(p) + overhead for p in kept) > 300:
            kept.popleft()
        assert payloads(store) == list(kept)
        assert store.state().bytes == sum(len(p) + overhead for p in kept)
    store.flush()
    assert len(store.blocks) <= 3


@pytest.mark.parametrize("index", [True, False])
def test_per_subject_limits_hold_after_a_restart(tmp_path: Path, index: bool) -> None:
    config = FileConfig("S", tmp_path, block_size=2000, cache_bytes=4000)
    store = FileStore(config)
    for i in range(600):
        store.append(b"k.%d" % (i % 40), None, b"%d" % i, i)
    store.close()
    if not index:
        (tmp_path / "msgs" / "index.db").unlink()
    store = FileStore(config)
    for limit in (7, 3, 1):
        finish(store.enforcing(0, 0, limit))
        assert store.state().msgs == 40 * limit
        for i in range(40):
            assert store.subject_state(b"k.%d" % i) == (limit, 600 - 40 * limit + i + 1, 561 + i)
    store.close()


def test_a_limit_steps_over_what_was_deleted_before(store: BlockStore) -> None:
    """The front of a block moves over deleted messages while it is thinned."""
    for seq, subject in enumerate([b"a", b"b", b"c", b"a", b"b", b"c", b"c", b"c"], 1):
        store.append(subject, None, b"x", seq)
    store.remove(3)
    store.flush()
    finish(store.enforcing(0, 0, 1))
    assert [seq for seq, _ in store.oldest()] == [4, 5, 8]


@pytest.mark.parametrize("room", range(0, 400, 57))
def test_a_full_disk_brings_back_what_limits_took(tmp_path: Path, room: int) -> None:
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path, block_size=600), disk=disk)
    ttl = b"NATS/1.0\r\nNats-TTL: 9\r\n\r\n"
    for i in range(20):
        store.append(b"k.%d" % (i % 5), ttl if i % 2 else None, b"%d" % i, i)
    store.flush()
    store.remove(9)
    store.flush()
    before = store.state(deleted=True)
    subjects = store.subject_states(b">")
    values, counts = payloads(store), [(b.msgs, b.nbytes, b.ttls) for b in store.blocks]
    disk.room = room
    with pytest.raises(StoreFull):
        for i in range(100):
            store.append(b"k.%d" % (i % 7), ttl, b"new", 99)
            store.enforce_limits(9, 0, 2, b"k.%d" % (i % 7))
            if i % 6 == 5:
                store.skip(3, 99)
        store.flush()
    if room < 100:  # nothing of the batch can have reached the disk
        assert store.state(deleted=True) == before
        assert store.subject_states(b">") == subjects
        assert payloads(store) == values
        assert [(b.msgs, b.nbytes, b.ttls) for b in store.blocks if b.msgs] == counts
    state, values = store.state(deleted=True), payloads(store)
    disk.room = None
    store.close()
    again = FileStore(FileConfig("S", tmp_path, block_size=600))
    assert again.state(deleted=True) == state
    assert payloads(again) == values
    (tmp_path / "msgs" / "index.db").unlink()
    again = FileStore(FileConfig("S", tmp_path, block_size=600))
    assert payloads(again) == values
    assert again.state().last_seq == state.last_seq
    again.close()


def test_a_full_disk_brings_back_what_a_rollup_replaced(tmp_path: Path) -> None:
    """Publishing keeps one message of a subject, or of all, by a limit of one."""
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path, block_size=300), disk=disk)
    for i in range(40):
        store.append(b"k.%d" % (i % 3), None, b"%d" % i, i)
    store.flush()
    before, values = store.state(deleted=True), payloads(store)
    for limits in ({"max_per_subject": 1}, {"max_msgs": 1}):
        disk.room = 0
        store.append(b"k.1", None, b"new", 99)
        assert store.enforce_limits(subject=b"k.1", **limits) > 12
        with pytest.raises(StoreFull):
            store.flush()
        assert store.state(deleted=True) == before
        assert payloads(store) == values
        disk.room = None
    store.append(b"k.1", None, b"new", 99)
    store.enforce_limits(max_per_subject=1, subject=b"k.1")
    store.close()
    assert FileStore(FileConfig("S", tmp_path)).subject_totals(b"k.1") == {b"k.1": 1}


def test_skips_are_undone_by_a_full_disk(tmp_path: Path) -> None:
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path), disk=disk)
    store.append(b"a", None, b"one", 1)
    store.flush()
    before = store.state(deleted=True)
    for room in range(0, 60, 9):
        disk.room = room
        store.skip(5, 2)
        store.append(b"a", None, b"two", 3)
        with pytest.raises(StoreFull):
            store.flush()
        assert store.state(deleted=True) == before
    disk.room = None
    assert store.append(b"a", None, b"two", 3) == 2
    store.close()
    assert payloads(FileStore(FileConfig("S", tmp_path))) == [b"one", b"two"]


def test_limits_write_one_floor_and_no_tombstones_at_the_front(tmp_path: Path) -> None:
    store = FileStore(FileConfig("S", tmp_path))
    for i in range(100):
        store.append(b"a", None, b"%d" % i, i)
        store.enforce_limits(max_msgs=10)
    store.flush()
    block = tmp_path / "msgs" / "1.blk"
    assert store.tail is not None
    assert store.tail.tombstones() == []
    assert block.stat().st_size == sum(31 + len(b"%d" % i) for i in range(100)) + 31
    assert FileStore(FileConfig("S", tmp_path)).state() == store.state()
    store.close()


def test_a_removed_key_does_not_bring_older_values_back(tmp_path: Path) -> None:
    """A store that only applies limits again after a crash would show older values after the newest
    one was deleted."""
    store = FileStore(FileConfig("S", tmp_path))
    store.append(b"anchor", None, b"", 0)
    for i in range(3):
        store.append(b"k", None, b"%d" % i, i)
        store.enforce_limits(max_per_subject=1, subject=b"k")
    store.remove(4)
    store.flush()
    again = FileStore(FileConfig("S", tmp_path))
    assert again.subject_totals(b">") == {b"anchor": 1}
    again.close()
    store.close()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"never", -1),
        (b"Never", -1),
        (b"100", 100),
        (b"+80s", 80),
        (b"1h1m", 3660),
        (b"1.5h", 5400),
        (b"61500ms", 61),
        (b"1s500ms", 1),
        (b"1m0.5s", 60),
        (b" 70", 70),
        (b" 70 ", 0),
        (b"never ", 0),
        (b"+70", 0),
        (b"9223372036854775808", 0),
        (b"18446744073709551617", 0),
        (b"2562047h48m", 0),
        (b"9223372036854775808ns", 0),
        (b"9223372036854775807ns", 4_294_967_295),
        (b"0.3m", 18),
        (b"1500000us", 1),
        ("1500000µs".encode(), 1),
        (b"2000000000ns", 2),
        (b"999ms", 0),
        (b"0", 0),
        (b"-1", 0),
        (b"", 0),
        (b"1h30", 0),
        (b"1e3s", 0),
        (b"80S", 0),
        (b"1.5", 0),
        (b".s", 0),
        (b"nevers", 0),
        (b"9999999999999999", 4_294_967_295),
    ],
)
def test_ttl_values(value: bytes, seconds: int) -> None:
    # What nats-server 2.15 accepts or refuses, and the seconds its thw.db then holds.
    assert ttl_of(b"NATS/1.0\r\nA: b\r\nNats-TTL: %s\r\nC: d\r\n\r\n" % value) == seconds


def test_ttl_header_is_found_only_as_a_header() -> None:
    assert ttl_of(b"NATS/1.0\r\nX-Nats-TTL: 5\r\nnats-ttl: 6\r\nA: Nats-TTL: 7\r\n\r\n") == 0
    assert ttl_of(b"NATS/1.0\r\nNats-TTL:5\r\nNats-TTL:9\r\n\r\n") == 5
    assert ttl_of(b"") == 0


def test_expiry_queue_is_ordered() -> None:
    queue = ExpiryQueue()
    for i in range(500):
        queue.push(i * 7919 % 503, i)
    queue.drop_above(399)
    assert len(queue) == 400
    out = [queue.pop() for _ in range(400)]
    assert [at for at, _ in out] == sorted(i * 7919 % 503 for i in range(400))
    assert {seq for _, seq in out} == set(range(400))
    assert queue.top() is None
    with pytest.raises(IndexError):
        queue.pop()


def test_superseded_ttls_do_not_pile_up(store: BlockStore) -> None:
    header = b"NATS/1.0\r\nNats-TTL: 1h\r\n\r\n"
    store.block_size = 1_000_000
    for i in range(20_000):
        store.append(b"k", header, b"", i)
        store.enforce_limits(max_per_subject=1, subject=b"k")
        store.next_expiry()
    assert store.queued_expiries() < 5000
    assert store.next_expiry() == 19_999 + 3600 * SECOND


def test_expired_messages_come_again_until_removed(store: BlockStore) -> None:
    for i, ttl in enumerate((b"1", b"9", b"never", b"1")):
        store.append(b"k.%d" % i, b"NATS/1.0\r\nNats-TTL: %s\r\n\r\n" % ttl, b"", i)
    due = [(1, b"k.0", 0, True), (4, b"k.3", 3, True)]
    assert list(store.expired(2 * SECOND)) == due
    assert list(store.expired(2 * SECOND)) == due
    assert store.next_expiry() == SECOND
    store.remove(1)
    assert list(store.expired(2 * SECOND)) == due[1:]
    aged = [(2, b"k.1", 1, False), due[1]]
    assert list(store.expired(2 * SECOND, SECOND)) == aged
    assert [row[0] for row in store.expired(2 * SECOND, SECOND, ttl=False)] == [2, 4]
