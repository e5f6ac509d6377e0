"""Work that the event loop must leave to threads, and its order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig, StoreError, Syncer
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.file.syncing.group_commit import Committer, Task
from pynats_server.jetstream.store.format.crypt import Keys
from pynats_server.work import finish

from tests.support.deadline import wait_until, wait_until_async


class WatchedDisk(Disk):
    """Records (on the loop's thread?, operation, path) of every operation that waits for the
    disk."""

    def __init__(self) -> None:
        self.loop_thread = threading.get_ident()
        self.events: list[tuple[bool, str, str]] = []
        self.paths: dict[int, Path] = {}

    def note(self, what: str, path: Path) -> None:
        self.events.append((threading.get_ident() == self.loop_thread, what, path.name))

    def open(self, path: Path) -> int:
        handle = super().open(path)
        self.paths[handle] = path
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self.note("write", self.paths[handle])
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self.note("sync", self.paths[handle])
        super().sync(handle)

    def sync_folder(self, folder: Path) -> None:
        self.note("sync", folder)
        super().sync_folder(folder)

    def remove(self, path: Path) -> None:
        if path.exists():
            self.note("remove", path)
        super().remove(path)

    def rename(self, source: Path, target: Path) -> None:
        self.note("rename", target)
        super().rename(source, target)


def on_loop(work: Callable[[Syncer], Awaitable[None]]) -> None:
    async def run() -> None:
        syncer = Syncer(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(work(syncer), 60)
        finally:
            syncer.close()

    asyncio.run(run())


async def committed(store: FileStore) -> None:
    done: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
    store.commit(done.set_result)
    assert await done is None


async def settled(store: FileStore) -> None:
    """Waits until all work of the threads is done and reported."""
    await committed(store)
    await wait_until_async(
        lambda: not (store.committer.busy or store.committer.has_tasks),
        "the threads' work done",
        interval_s=0.001,
    )


def test_a_bug_in_a_thread_ends_the_store_that_met_it_alone() -> None:
    async def work(syncer: Syncer) -> None:
        loop = asyncio.get_running_loop()

        async def outcome(committer: Committer) -> OSError | None:
            done: asyncio.Future[OSError | None] = loop.create_future()
            committer.wait(done.set_result)
            return await done

        failures: list[OSError] = []
        broken = Committer(syncer, Disk(), failures.append)
        whole = Committer(syncer, Disk(), failures.append)
        broken.after(Task(lambda: print(1 // 0), must=True))
        error = await outcome(broken)
        assert error is not None and "ZeroDivisionError" in str(error)
        assert failures == [error]
        done: list[int] = []
        whole.after(Task(lambda: done.append(1), must=True))
        assert await outcome(whole) is None
        assert done == [1]

    on_loop(work)


@pytest.mark.parametrize("cipher", [None, "chacha"])
@pytest.mark.parametrize("compress", [False, True])
def test_the_loop_never_waits_for_the_disk(tmp_path: Path, compress: bool, cipher: Any) -> None:
    async def work(syncer: Syncer) -> None:
        disk = WatchedDisk()
        keys = Keys("k", "A", cipher) if cipher else None
        config = FileConfig("S", tmp_path, block_size=2000, compress=compress, keys=keys)
        store = FileStore(config, syncer, disk)
        disk.events.clear()
        for i in range(400):
            store.append(b"k.%d" % (i % 20), None, b"value %d" % i, i)
            store.enforce_limits(300, 0, 10, b"k.%d" % (i % 20))
            if i % 10 == 0:
                await committed(store)
        for seq in range(250, 270):
            store.remove(seq)
        store.erase(330)
        store.erase(401 - 1)
        await committed(store)
        assert store.purge(b"k.3") > 0
        assert store.purge(up_to=300) > 0
        store.save_index()
        await settled(store)
        blocked = [event for event in disk.events if event[0] and event[1] != "write"]
        assert blocked == []
        kinds = {(what, name) for _, what, name in disk.events}
        assert ("remove", "1.blk") in kinds
        assert ("rename", "index.db") in kinds
        state = store.state(deleted=True)
        store.close()
        again = FileStore(config)
        assert again.state(deleted=True) == state
        assert again.problems == []
        again.close()

    on_loop(work)


def test_a_block_goes_only_after_what_makes_it_dead_is_durable(tmp_path: Path) -> None:
    async def work(syncer: Syncer) -> None:
        disk = WatchedDisk()
        store = FileStore(FileConfig("S", tmp_path, block_size=1000), syncer, disk)
        store.append(b"anchor", None, b"", 0)
        for i in range(100):
            store.append(b"k", None, b"%d" % i, i)
        store.save_index()
        await committed(store)
        for seq in range(2, 90):
            store.remove(seq)
        await settled(store)
        names = [(what, name) for _, what, name in disk.events]
        gone = names.index(("remove", "2.blk"))
        # The tombstones of block 2 fit into what was left of block 4, the tail at first.
        noted = gone - 1 - names[:gone][::-1].index(("write", "4.blk"))
        assert ("sync", "4.blk") in names[noted:gone]
        retired = names.index(("remove", "index.db"))
        assert retired < gone
        assert ("sync", "msgs") in names[retired:gone]
        assert ("sync", "msgs") in names[gone:]
        store.close()
        again = FileStore(FileConfig("S", tmp_path, block_size=1000))
        assert [seq for seq, _ in again.oldest()] == [1, *range(90, 102)]
        again.close()

    on_loop(work)


class Keeping(Disk):
    """Removes no file, like one that has not come to it yet."""

    def remove(self, path: Path) -> None:
        if path.suffix != ".blk":
            super().remove(path)


def test_a_purge_of_whole_blocks_is_sure_before_they_are_gone(tmp_path: Path) -> None:
    async def work(syncer: Syncer) -> None:
        store = FileStore(FileConfig("S", tmp_path, block_size=1000), syncer, Keeping())
        store.append(b"anchor", None, b"", 0)
        for i in range(200):
            store.append(b"k", None, b"%d" % i, i)
        store.append(b"end", None, b"", 300)
        await committed(store)
        names = {path.name for path in (tmp_path / "msgs").iterdir()}
        assert len(names) > 5
        assert store.purge(b"k") == 200
        written = sum(len(block.tombstones()) for block in store.blocks)
        assert written < 70, "a block that dies whole needs no tombstones"
        await committed(store)
        assert names <= {path.name for path in (tmp_path / "msgs").iterdir()}
        again = FileStore(FileConfig("S", tmp_path, block_size=1000))
        assert again.subject_totals(b">") == {b"anchor": 1, b"end": 1}
        again.close()
        store.close()

    on_loop(work)


def test_a_purge_lets_others_in_between_its_steps(tmp_path: Path) -> None:
    store = FileStore(FileConfig("S", tmp_path, block_size=1000))
    for i in range(200):
        store.append(b"k.%d" % (i % 2), None, b"%d" % i, i)
    purge, steps = store.purging(b"k.0", keep=1), 0
    try:
        while True:
            next(purge)
            steps += 1
            store.append(b"k.0", None, b"later", 500)
            store.remove(store.last_seq - 1)
    except StopIteration as end:
        assert end.value == 99
    assert steps > 5
    kept = [store.load(seq).payload for seq, _ in store.oldest() if seq <= 200]
    assert kept == [b"%d" % i for i in range(200) if i % 2 or i == 198][: len(kept)]
    assert store.load(store.last_seq).payload == b"later"
    store.close()


def test_the_index_is_saved_from_time_to_time(tmp_path: Path) -> None:
    async def work(syncer: Syncer) -> None:
        config = FileConfig("S", tmp_path, index_interval_s=0.01)
        store = FileStore(config, syncer)
        store.append(b"a", None, b"one", 1)
        index = tmp_path / "msgs" / "index.db"
        await wait_until_async(index.exists, "the index")
        store.append(b"a", None, b"two", 2)
        await committed(store)
        again = FileStore(config)
        assert again.state().msgs == 2
        assert again.problems == []
        again.close()
        store.close()

    on_loop(work)


def test_relaxed_commits_wait_for_the_write_alone(tmp_path: Path) -> None:
    async def work(syncer: Syncer) -> None:
        disk = WatchedDisk()
        store = FileStore(FileConfig("S", tmp_path, sync_interval_s=0.02), syncer, disk)
        done: list[StoreError | None] = []
        store.append(b"a", None, b"one", 1)
        store.commit(done.append)
        assert done == [None]
        assert (tmp_path / "msgs" / "1.blk").stat().st_size > 30
        await wait_until_async(
            lambda: ("sync", "1.blk") in [(what, name) for _, what, name in disk.events],
            "the sync",
        )
        store.close()

    on_loop(work)


def test_readers_can_ask_what_they_stepped_over(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path, block_size=200)
    store = FileStore(config)
    for i in range(20):
        store.append(b"a", None, b"value %d" % i, i)
    store.close()
    path = tmp_path / "msgs" / "2.blk"
    data = bytearray(path.read_bytes())
    data[45] ^= 1
    path.write_bytes(data)
    store = FileStore(config)
    seen, lost, at = [], [], 1
    while (message := finish(store.find_next(b">", at))) is not None:
        lost += store.lost_between(at, message.seq - 1)
        seen.append(message.seq)
        at = message.seq + 1
    assert len(lost) in (1, 2)
    assert sorted(seen + lost) == list(range(1, 21))
    store.close()


def test_threads_end_with_their_syncer(tmp_path: Path) -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = threads()

    async def work(syncer: Syncer) -> None:
        store = FileStore(FileConfig("S", tmp_path), syncer)
        store.append(b"a", None, b"x", 1)
        await committed(store)
        store.save_index()
        store.close()

    on_loop(work)
    wait_until(lambda: threads() <= before, "the threads' end")
