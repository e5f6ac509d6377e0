"""Failing disks: refused writes, failed fsync, and every legal image after a power cut."""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path

import pytest
from pynats_server.jetstream.store import FileConfig, StoreError, StoreFailed, StoreFull
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.support.faultdisk import FOR_GOOD, FailingDisk, Fault
from tests.support.fulldisk import FullDisk


def outcome(store: FileStore) -> StoreError | None:
    seen: list[StoreError | None] = []
    store.commit(seen.append)
    assert len(seen) == 1
    return seen[0]


def test_a_full_disk_refuses_whole_batches_and_recovers_by_itself(tmp_path: Path) -> None:
    disk = FullDisk()
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
    disk = FailingDisk()
    store = FileStore(FileConfig("S", tmp_path), disk=disk)
    store.append(b"a", None, b"one", 1)
    assert outcome(store) is None
    disk.fault = Fault("sync", 1, errno.EIO)
    store.append(b"a", None, b"two", 2)
    assert isinstance(outcome(store), StoreFailed)
    disk.fault = None
    syncs = disk.counts["sync"]
    with pytest.raises(StoreFailed):
        store.append(b"a", None, b"three", 3)
    with pytest.raises(StoreFailed):
        store.remove(1)
    assert isinstance(outcome(store), StoreFailed)
    assert disk.counts["sync"] == syncs, "a failed fsync was retried"
    assert store.load(1).payload == b"one"
    store.close()


def run_into_faults(config: FileConfig, disk: FailingDisk) -> tuple[FileStore, set[int], set[int]]:
    """Uses a store until the disk fails; returns (store, acknowledged, removed and committed)."""
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
            gone |= doubt - live  # a full disk brings back what limits had removed
            doubt = set()
    return store, live - doubt, gone


@pytest.mark.parametrize("kind", ["open", "short", "sync", "sync_folder", "rename", "remove"])
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
        disk = FailingDisk(Fault(kind, nth, code, FOR_GOOD if lasting else 0))
        try:
            store, live, gone = run_into_faults(config, disk)
        except (OSError, StoreError):
            live, gone, store = set(), set(), None  # could not even be opened
        reached = disk.hits > 0
        if store is not None and code == errno.ENOSPC and kind == "short" and not lasting:
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
