"""Failing disks: refused writes, failed fsync, and every legal image after a power cut."""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path

import pytest
from pynats_server.jetstream.store import (
    FileConfig,
    FileStore,
    StoreError,
    StoreFailed,
    StoreFull,
)
from pynats_server.jetstream.store.file.disk import Disk


class FaultyDisk(Disk):
    """Fails what it is told to."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.fail_sync = False
        self.syncs = 0

    def write(self, handle: int, data: bytes, offset: int) -> None:
        if self.room is not None and len(data) > self.room:
            super().write(handle, data[: self.room], offset)  # a short write, then no more
            raise OSError(errno.ENOSPC, "full")
        if self.room is not None:
            self.room -= len(data)
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self.syncs += 1
        if self.fail_sync:
            raise OSError(errno.EIO, "bad medium")
        super().sync(handle)


def outcome(store: FileStore) -> StoreError | None:
    seen: list[StoreError | None] = []
    store.commit(seen.append)
    assert len(seen) == 1
    return seen[0]


def test_a_full_disk_refuses_whole_batches_and_recovers_by_itself(tmp_path: Path) -> None:
    disk = FaultyDisk()
    store = FileStore(FileConfig("S", tmp_path), disk=disk)
    store.append(b"a", None, b"kept", 1)
    assert outcome(store) is None
    before = store.state(deleted=True)
    subjects = store.subject_states(b">")
    for room in range(0, 90, 7):
        disk.room = room
        store.append(b"a", None, b"one", 2)
        store.append(b"b", None, b"x" * 40, 3)
        assert isinstance(outcome(store), StoreFull)
        assert store.state(deleted=True) == before
        assert store.subject_states(b">") == subjects
        assert store.load(1).payload == b"kept"
    disk.room = None
    assert store.append(b"b", None, b"again", 4) == 2
    assert outcome(store) is None
    store.close()
    reopened = FileStore(FileConfig("S", tmp_path))
    assert reopened.problems == []
    assert [reopened.load(seq).payload for seq in (1, 2)] == [b"kept", b"again"]
    reopened.close()


def test_a_failed_fsync_fails_the_store_for_good(tmp_path: Path) -> None:
    disk = FaultyDisk()
    store = FileStore(FileConfig("S", tmp_path), disk=disk)
    store.append(b"a", None, b"one", 1)
    assert outcome(store) is None
    disk.fail_sync = True
    store.append(b"a", None, b"two", 2)
    assert isinstance(outcome(store), StoreFailed)
    disk.fail_sync = False
    syncs = disk.syncs
    with pytest.raises(StoreFailed):
        store.append(b"a", None, b"three", 3)
    with pytest.raises(StoreFailed):
        store.remove(1)
    assert isinstance(outcome(store), StoreFailed)
    assert disk.syncs == syncs, "a failed fsync was retried"
    assert store.load(1).payload == b"one"
    store.close()


class NthFails(Disk):
    """Fails the nth operation of one kind, and every later one of that kind if `lasting`."""

    def __init__(self, kind: str, nth: int, code: int, lasting: bool) -> None:
        self.kind, self.left, self.code, self.lasting = kind, nth, code, lasting
        self.failed = False

    def step(self, kind: str) -> None:
        if kind != self.kind or (self.failed and not self.lasting):
            return
        self.left -= 1
        if self.left < 0:
            self.failed = True
            raise OSError(self.code, "injected")

    def open(self, path: Path) -> int:
        self.step("open")
        return super().open(path)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        try:
            self.step("write")
        except OSError:
            super().write(handle, data[: len(data) // 2], offset)
            raise
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self.step("sync")

    def sync_folder(self, folder: Path) -> None:
        self.step("sync")

    def rename(self, source: Path, target: Path) -> None:
        self.step("rename")
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self.step("remove")
        super().remove(path)


def run_into_faults(config: FileConfig, disk: NthFails) -> tuple[FileStore, set[int], set[int]]:
    """A busy life until the disk is done with it; (store, acknowledged, removed and committed)."""
    store = FileStore(config, disk=disk)
    live: set[int] = set()
    gone: set[int] = set()
    doubt: set[int] = set()
    for turn in range(60):
        before = {seq for seq, _ in store.oldest()}
        with contextlib.suppress(StoreError):
            for i in range(4):
                subject = b"a.%d" % (i % 3)
                store.append(subject, None, b"%d" % (store.last_seq + 1), turn + 1)
                store.enforce_limits(40, 0, 16, subject)
            if turn % 5 == 4 and store.msgs:
                store.remove(store.first_seq + 3)
            if turn % 11 == 10:
                store.purge(b"a.1", keep=2)
            if turn % 7 == 6:
                store.save_index()
        doubt |= before - {seq for seq, _ in store.oldest()}
        if outcome(store) is None:
            live = {seq for seq, _ in store.oldest()}
            gone |= doubt - live  # a full disk brought back what limits had taken
            doubt = set()
    return store, live - doubt, gone


@pytest.mark.parametrize("kind", ["open", "write", "sync", "rename", "remove"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("compress", [False, True])
def test_the_nth_operation_fails(
    scratch: Path, kind: str, code: int, lasting: bool, compress: bool
) -> None:
    nth, reached = 1, True
    while reached:
        folder = scratch / str(nth)
        config = FileConfig("S", folder, block_size=700, compress=compress)
        disk = NthFails(kind, nth, code, lasting)
        try:
            store, live, gone = run_into_faults(config, disk)
        except (OSError, StoreError):
            live, gone, store = set(), set(), None  # could not even be opened
        reached = disk.failed
        if store is not None and code == errno.ENOSPC and kind == "write" and not lasting:
            assert store.failed is None, "a full disk is no failure"
        back = FileStore(config)
        found = {seq for seq, _ in back.oldest()}
        assert live <= found, f"{nth}: {live - found} lost ({back.problems})"
        assert not gone & found, f"{nth}: {gone & found} came back"
        assert not set(back.state().lost) & live, nth
        for seq in found:
            assert back.load(seq).payload == b"%d" % seq
        back.close()
        if store is not None:
            with contextlib.suppress(StoreError):
                store.close()
        shutil.rmtree(folder)
        nth += 3 if nth < 30 else 17
