"""Failing disks: refused writes, failed fsync, and every legal image after a power cut."""

from __future__ import annotations

import errno
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynats_server.jetstream.store import (
    FileConfig,
    FileStore,
    StoreError,
    StoreFailed,
    StoreFull,
)
from pynats_server.jetstream.store.disk import Disk


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


class TracingDisk(Disk):
    """Records writes since the last fsync of each file, so that any subset can go missing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths: dict[int, Path] = {}
        self.durable: dict[Path, bytes] = {}
        self.pending: list[tuple[Path, int, bytes | None]] = []

    def open(self, path: Path) -> int:
        handle = super().open(path)
        self.paths[handle] = path
        self.durable.setdefault(path, b"")
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        super().write(handle, data, offset)
        self.pending.append((self.paths[handle], offset, bytes(data)))

    def truncate(self, handle: int, size: int) -> None:
        super().truncate(handle, size)
        self.pending.append((self.paths[handle], size, None))

    def sync(self, handle: int) -> None:
        super().sync(handle)
        path = self.paths[handle]
        self.durable[path] = path.read_bytes()
        self.pending = [p for p in self.pending if p[0] != path]

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.durable[target] = self.durable.pop(source, b"")

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.durable.pop(path, None)
        self.pending = [p for p in self.pending if p[0] != path]

    def images(self) -> Iterator[dict[Path, bytes]]:
        """Durable content plus every subset of the unsynced writes, each whole or torn."""
        choices = [(0, 1, 2)] * len(self.pending)
        for pick in itertools.product(*choices):
            image = {path: bytearray(data) for path, data in self.durable.items()}
            for how, (path, offset, data) in zip(pick, self.pending, strict=True):
                if not how or path not in image:
                    continue
                if data is None:
                    del image[path][offset:]
                    continue
                piece = data if how == 2 else data[: len(data) // 2]
                content = image[path]
                content.extend(bytes(max(0, offset + len(piece) - len(content))))
                content[offset : offset + len(piece)] = piece
            yield {path: bytes(data) for path, data in image.items()}


def test_every_crash_image_keeps_what_was_committed(tmp_path: Path) -> None:
    root = tmp_path / "live"
    disk = TracingDisk(root)
    store = FileStore(FileConfig("S", root, block_size=300), disk=disk)
    acked: dict[int, bytes] = {}
    removed: set[int] = set()
    unsure: set[int] = set()
    written: dict[int, bytes] = {}
    seen = 0
    for step in range(24):
        if step % 5 == 4 and written:
            victim = min(s for s in written if s not in removed | unsure)
            store.remove(victim)
            unsure.add(victim)
        else:
            payload = b"m%d" % step
            written[store.append(b"a.%d" % (step % 3), None, payload, step + 1)] = payload
        store.flush()
        for image in disk.images():
            seen += 1
            shutil.rmtree(tmp_path / "image", ignore_errors=True)
            for path, data in image.items():
                target = tmp_path / "image" / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            back = FileStore(FileConfig("S", tmp_path / "image", block_size=300))
            for seq, payload in acked.items():
                if seq in removed:
                    assert back.get(seq) is None, f"step {step}: {seq} came back"
                elif seq not in unsure:
                    assert back.load(seq).payload == payload, f"step {step}"
            for seq, _ in back.oldest():
                assert back.load(seq).payload == written[seq]
            back.close()
        if step % 3 == 2:
            assert outcome(store) is None
            acked = dict(written)
            removed |= unsure
            unsure = set()
    assert seen > 100
    store.close()
