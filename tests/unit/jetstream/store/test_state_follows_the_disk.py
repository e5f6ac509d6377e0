"""What the disk does not take has not happened: removals are written before they happen, files are
replaced before anybody relies on it, and nothing overtakes what waits for room."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig, StoreError, StoreFailed, StoreFull
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.work import finish

from tests.support.fulldisk import FullDisk

BLOCK = 4 << 20
PAYLOAD = b"x" * 4000


def filled(store: FileStore, count: int, payload: bytes = b"x" * 50) -> None:
    for _ in range(count):
        seq = store.last_seq + 1
        store.append(b"s.%d" % (seq % 3), None, b"%06d" % seq + payload, seq)
    assert committed(store) is None


def committed(store: FileStore) -> StoreError | None:
    heard: list[StoreError | None] = []
    store.commit(heard.append)
    return heard[0]


def seqs(store: FileStore) -> list[int]:
    return [seq for seq, _ in store.oldest()]


def intact(store: FileStore) -> list[int]:
    """The sequences, each with its own bytes."""
    found = seqs(store)
    for seq in found:
        assert store.load(seq).payload[:6] == b"%06d" % seq
    return found


def killed(store: FileStore) -> FileStore:
    """What a start finds after kill -9."""
    return FileStore(FileConfig("S", store.files.config.folder, block_size=store.block_size))


REMOVALS: dict[str, Callable[[FileStore], object]] = {
    "delete": lambda store: store.delete(7),
    "erase": lambda store: store.erase(7),
    "purge all": lambda store: store.purge(),
    "purge below": lambda store: store.purge(up_to=60),
    "purge keep": lambda store: store.purge(keep=3),
    "purge a subject": lambda store: store.purge(b"s.1"),
    "purge a subject, sparing some": lambda store: store.purge(b"s.*", keep=5),
    "compact beyond the end": lambda store: store.compact(500),
    "truncate": lambda store: store.truncate(20),
}


@pytest.mark.parametrize("block_size", [1000, BLOCK], ids=["many blocks", "one block"])
@pytest.mark.parametrize("what", REMOVALS)
@pytest.mark.parametrize("compress", [False, True])
def test_a_removal_without_room_has_removed_nothing(
    tmp_path: Path, what: str, block_size: int, compress: bool
) -> None:
    disk = FullDisk()
    config = FileConfig("S", tmp_path / "S", block_size=block_size, compress=compress)
    store = FileStore(config, disk=disk)
    filled(store, 100)
    before = store.state(deleted=True), store.subject_states(b">")
    refused = 0
    for room in range(0, 40, 3):
        disk.room = room
        try:
            REMOVALS[what](store)
        except StoreFull:
            refused += 1
            assert (store.state(deleted=True), store.subject_states(b">")) == before
            assert intact(killed(store)) == list(range(1, 101))
        else:
            break
    assert refused, "there was room for it"
    disk.room = None
    assert store.failed is None
    REMOVALS[what](store)
    left = intact(store)
    assert left != list(range(1, 101))
    assert committed(store) is None
    assert intact(killed(store)) == left


@pytest.mark.parametrize("everything", [True, False])
def test_a_rollup_without_room_takes_its_message_back(tmp_path: Path, everything: bool) -> None:
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=1000), disk=disk)
    filled(store, 100)
    before = store.state(deleted=True)
    disk.room = 20
    store.append(b"s.1", None, b"000101", 101)
    with pytest.raises(StoreFull):
        if everything:
            store.keep_last()
        else:
            store.displace(b"s.1", 1, 100)
            store.flush()
    assert store.state(deleted=True) == before
    assert intact(killed(store)) == list(range(1, 101))


def test_a_purge_that_began_ends_whatever_room_is_left(tmp_path: Path) -> None:
    """It is written as one note; tombstones follow when there is room for them."""
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=1000), disk=disk)
    filled(store, 300)
    work = store.purging(b"s.2")
    next(work)
    disk.room = 0
    finish(work)
    left = intact(store)
    assert left == [seq for seq in range(1, 301) if seq % 3 != 2]
    assert intact(killed(store)) == left
    disk.room = None
    assert committed(store) is None
    assert intact(killed(store)) == left


def test_compaction_keeps_tombstones_of_what_other_files_still_hold(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path / "S", block_size=BLOCK)
    store = FileStore(config)
    filled(store, 1100, PAYLOAD)
    for seq in range(1, 9):  # their tombstones are in the second block
        store.delete(seq)
    filled(store, 1100, PAYLOAD)
    second = store.blocks[1]
    size = store.files.path_of(second).stat().st_size
    for seq in range(1100, 1800):
        store.delete(seq)
    assert committed(store) is None
    assert store.files.path_of(second).stat().st_size < size * 3 // 4
    left = seqs(store)
    assert left[0] == 9
    assert seqs(killed(store)) == left


class NoRename(Disk):
    """Finds no room for new files in the place of others while it is `full`."""

    full = False

    def rename(self, source: Path, target: Path) -> None:
        if self.full and target.suffix == ".blk":
            raise OSError(errno.ENOSPC, "full")
        super().rename(source, target)


def test_an_erasure_after_a_compaction_without_room_hits_the_right_bytes(tmp_path: Path) -> None:
    disk = NoRename()
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=BLOCK), disk=disk)
    filled(store, 1500, PAYLOAD)
    disk.full = True
    for seq in range(1, 1030):
        if seq % 3:
            store.delete(seq)
    assert committed(store) is None
    disk.full = False
    for seq in (720, 747, 900):
        assert store.erase(seq)
    assert committed(store) is None
    left = intact(store)
    assert intact(killed(store)) == left
    raw = b"".join(path.read_bytes() for path in (tmp_path / "S" / "msgs").glob("*.blk"))
    assert not any(b"%06d" % seq + PAYLOAD[:100] in raw for seq in (720, 747, 900))


class NoOverwriting(Disk):
    """Cannot overwrite anything while it is `full`."""

    full = False

    def write(self, handle: int, data: bytes, offset: int) -> None:
        if self.full and offset + len(data) <= Path(f"/proc/self/fd/{handle}").stat().st_size:
            raise OSError(errno.ENOSPC, "full")
        super().write(handle, data, offset)


def test_an_erasure_is_acknowledged_when_its_bytes_are_gone(tmp_path: Path) -> None:
    """Other file work does not overtake it: a block written anew has its records elsewhere."""
    disk = NoOverwriting()
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=BLOCK), disk=disk)
    filled(store, 1500, PAYLOAD)
    disk.full = True
    assert store.erase(700)
    heard: list[StoreError | None] = []
    store.commit(heard.append)
    for seq in range(1, 690):
        store.delete(seq)  # the block becomes sparse
    store.commit(heard.append)
    assert heard == []
    assert b"000700" + PAYLOAD[:50] in (tmp_path / "S" / "msgs" / "1.blk").read_bytes()
    disk.full = False
    store.commit(heard.append)
    assert heard == [None] * 3
    assert b"000700" + PAYLOAD[:50] not in (tmp_path / "S" / "msgs" / "1.blk").read_bytes()
    left = intact(store)
    assert intact(killed(store)) == left


def test_what_was_written_before_the_disk_was_full_is_kept(tmp_path: Path) -> None:
    """A turn's messages cross into a new block, and only the second one finds no room."""
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=1000), disk=disk)
    undone: list[int] = []
    store.on_undo = undone.append
    for seq in range(1, 15):
        store.append(b"s", None, b"%06d" % seq + b"x" * 60, seq)
    written = store.written_seq
    assert 0 < written < 14, "all of them are in one block"
    disk.room = 10
    heard: list[StoreError | None] = []
    store.commit_kept(heard.append)
    assert heard == [None]
    assert undone == [written]
    assert intact(store) == intact(killed(store)) == list(range(1, written + 1))


def test_a_removal_of_what_a_full_disk_takes_back_does_not_hit_who_gets_its_sequence(
    tmp_path: Path,
) -> None:
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=1000), disk=disk)
    filled(store, 3)
    assert store.tail is not None
    while (left := 1000 - store.tail.buffered) >= 80:
        store.append(b"s", None, b"%06d" % (store.last_seq + 1), 1)
    store.append(b"s", None, b"%06d" % (store.last_seq + 1) + b"x" * (left - 37), 1)
    assert store.tail.buffered == 1000
    disk.room = 5
    store.remove(store.last_seq)  # its tombstone would begin a block, and the turn is written
    assert store.last_seq == 3
    disk.room = None
    filled(store, 40)
    assert intact(killed(store)) == list(range(1, 44))


class BadSync(Disk):
    """Fails to sync while it is `bad`."""

    bad = False

    def sync(self, handle: int) -> None:
        if self.bad:
            raise OSError(errno.EIO, "bad medium")
        super().sync(handle)


def test_what_a_failed_sync_refuses_is_not_shown(tmp_path: Path) -> None:
    disk = BadSync()
    store = FileStore(FileConfig("S", tmp_path / "S"), disk=disk)
    filled(store, 10)
    disk.bad = True
    store.append(b"s", None, b"000011", 11)
    assert isinstance(committed(store), StoreFailed)
    assert store.last_seq == 10 and intact(store) == list(range(1, 11))
    assert intact(killed(store)) == list(range(1, 11))
