"""Closing a store ends all its work, so that the next owner has the folder alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pynats_server.jetstream.store import FileConfig, Syncer
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.support.deadline import next_turn


class Watched(Disk):
    """Notes when files are replaced."""

    def __init__(self) -> None:
        self.replaced: list[str] = []

    @property
    def native(self) -> bool:
        """Syncs like the real one."""
        return True

    def replace(self, path: Path, data: bytes) -> None:
        """See `Disk`."""
        super().replace(path, data)
        self.replaced.append(path.name)


def test_nothing_runs_after_close(tmp_path: Path) -> None:
    async def run() -> None:
        syncer = Syncer(asyncio.get_running_loop())
        disk = Watched()
        store = FileStore(FileConfig("S", tmp_path / "S"), syncer, disk)
        told: list[object] = []
        store.append(b"s", None, b"x", 1)
        store.commit(told.append)
        store.save_index()  # queued after the running sync
        store.close()
        assert told == [None]
        assert disk.replaced.count("index.db") >= 1
        seen = list(disk.replaced)
        (tmp_path / "S").rename(tmp_path / "elsewhere")
        syncer.settle()  # forgotten work would run now, and do damage
        await next_turn()
        assert disk.replaced == seen
        assert store.failed is None
        assert store.problems == []
        syncer.close()

    asyncio.run(run())


def test_an_idle_store_closes_without_writing(tmp_path: Path) -> None:
    def opened() -> tuple[FileStore, Watched]:
        disk = Watched()
        return FileStore(FileConfig("S", tmp_path / "S"), Syncer(), disk), disk

    store, disk = opened()
    for number in range(1, 4):
        store.append(b"s", None, b"x", number)
    store.close()
    assert disk.replaced == ["index.db"]
    store, disk = opened()
    store.close()
    assert disk.replaced == []
    store, disk = opened()
    assert store.msgs == 3
    store.remove(2)
    store.close()
    assert disk.replaced == ["index.db"]
    store, disk = opened()
    assert store.msgs == 2
    store.close()
    assert disk.replaced == []
