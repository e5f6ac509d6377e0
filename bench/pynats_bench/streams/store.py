"""Measures storage without a broker: `python -m pynats_bench.streams.store [messages]`."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pynats_server.jetstream.store import FileConfig, StoreError, Syncer
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.subjects import SubjectTree


def resident() -> int:
    """Resident bytes now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="store-bench-") as name:
        yield Path(name)


def append_relaxed(count: int, size: int, subjects: int = 1, batch: int = 1000) -> float:
    """Appends per second, one write per batch, fsync left to a timer."""
    names = [b"bench.%d" % i for i in range(subjects)]
    with folder() as home:
        store = FileStore(FileConfig("B", home, sync_interval_s=120))
        payload = b"x" * size
        start = time.perf_counter()
        for base in range(0, count, batch):
            rows = [(names[i % subjects], None, payload) for i in range(base, base + batch)]
            store.append_many(rows, 1)
            store.flush()
        took = time.perf_counter() - start
        store.close()
    return count / took


def append_limited(
    count: int, size: int, subjects: int, max_msgs: int = 0, max_per_subject: int = 0
) -> float:
    """Appends per second to a stream at its limit: each one removes another message."""
    names = [b"bench.%d" % i for i in range(subjects)]
    payload = b"x" * size
    with folder() as home:
        store = FileStore(FileConfig("B", home, sync_interval_s=120))
        start = time.perf_counter()
        for i in range(count):
            subject = names[i % subjects]
            store.append(subject, None, payload, i)
            store.enforce_limits(max_msgs, 0, max_per_subject, subject)
            if i % 256 == 255:
                store.flush()
        took = time.perf_counter() - start
        store.close()
    return count / took


def raw_sync(rounds: int, size: int, window: int) -> float:
    """Records per second of a plain write and fdatasync loop: the disk's limit."""
    with folder() as home:
        handle = os.open(home / "raw", os.O_RDWR | os.O_CREAT, 0o600)
        data, at = b"x" * (size + 37) * window, 0
        start = time.perf_counter()
        for _ in range(rounds):
            os.pwrite(handle, data, at)
            at += len(data)
            os.fdatasync(handle)
        took = time.perf_counter() - start
        os.close(handle)
    return rounds * window / took


def purge_and_index(count: int) -> dict[str, float]:
    """Seconds to purge every second of `count` messages, of the longest step, and to encode the
    index of as many subjects."""
    with folder() as home:
        store = FileStore(FileConfig("B", home, sync_interval_s=120))
        for i in range(count):
            store.append(b"bench.%d.%d" % (i % 2, i), None, b"x" * 100, i)
        start = time.perf_counter()
        store.index_state()
        index = time.perf_counter() - start
        steps = [time.perf_counter()]
        for _ in store.purging(b"bench.0.*"):
            steps.append(time.perf_counter())
        longest = max(b - a for a, b in itertools.pairwise(steps))
        store.close()
    return {"purge s": steps[-1] - steps[0], "longest step s": longest, "index encode s": index}


def append_memory(count: int, size: int) -> float:
    """Appends per second into memory."""
    store = MemoryStore("B")
    rows: list[tuple[bytes, bytes | None, bytes]] = [(b"bench.x", None, b"x" * size)] * 1000
    start = time.perf_counter()
    for _ in range(count // 1000):
        store.append_many(rows, 1)
    return count / (time.perf_counter() - start)


async def _durable(count: int, size: int, window: int) -> float:
    loop = asyncio.get_running_loop()
    syncer = Syncer(loop)
    rows: list[tuple[bytes, bytes | None, bytes]] = [(b"bench.x", None, b"x" * size)] * window
    with folder() as home:
        store = FileStore(FileConfig("B", home), syncer)
        start = time.perf_counter()
        for _ in range(count // window):
            done = loop.create_future()

            def fire(error: StoreError | None, done: asyncio.Future[None] = done) -> None:
                done.set_exception(error) if error else done.set_result(None)

            store.append_many(rows, 1)
            store.commit(fire)
            await done
        took = time.perf_counter() - start
        store.close()
    syncer.close()
    return count / took


def append_durable(count: int, size: int, window: int) -> float:
    """Messages per second when each window waits for its fsync before the next starts."""
    return asyncio.run(_durable(count, size, window))


def load_and_recover(count: int, size: int) -> dict[str, float]:
    """Sequential loads per second; seconds to open with the index and without."""
    with folder() as home:
        store = FileStore(FileConfig("B", home, sync_interval_s=120))
        rows: list[tuple[bytes, bytes | None, bytes]] = [(b"bench.x", None, b"x" * size)] * 1000
        for _ in range(count // 1000):
            store.append_many(rows, 1)
        start = time.perf_counter()
        for seq in range(1, count + 1):
            store.load(seq)
        loads = count / (time.perf_counter() - start)
        store.close()
        times = []
        for index in (True, False):
            if not index:
                (home / "msgs" / "index.db").unlink()
            start = time.perf_counter()
            store = FileStore(FileConfig("B", home, sync_interval_s=120))
            times.append(time.perf_counter() - start)
            store.close()
    return {"load/s": loads, "open with index s": times[0], "open by scan s": times[1]}


def subject_memory(count: int) -> tuple[float, float]:
    """(resident bytes per subject, inserts per second) of the subject tree."""
    tree = SubjectTree()
    before, start = resident(), time.perf_counter()
    for i in range(count):
        tree.set(b"orders.%d.item" % i, 1, i, i)
    took = time.perf_counter() - start
    return (resident() - before) / count, count / took


def main() -> None:
    """Print every figure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    per, rate = subject_memory(count)
    print(f"subject tree: {per:.0f} B a subject, {rate:,.0f} inserts/s")
    for size, share in ((128, 1), (4096, 10)):
        print(f"relaxed file {size} B: {append_relaxed(count // share, size):,.0f} msg/s")
        print(f"memory {size} B: {append_memory(count // share, size):,.0f} msg/s")
        for window in (1, 16, 256, 1000):
            rate = raw_sync(200, size, window)
            print(f"bare fdatasync {size} B, window {window}: {rate:,.0f} msg/s")
            rate = append_durable(max(window, count * window // 10000 // share), size, window)
            print(f"group commit {size} B, window {window}: {rate:,.0f} msg/s")
    print(f"relaxed file 128 B, 100,000 subjects: {append_relaxed(count, 128, 100_000):,.0f} msg/s")
    for subjects, limits in ((1, {"max_msgs": 10_000}), (10_000, {"max_per_subject": 1})):
        rate = append_limited(count, 128, subjects, **limits)
        print(f"relaxed file 128 B, {subjects:,} subjects, {limits} reached: {rate:,.0f} msg/s")
    print({key: round(value, 3) for key, value in purge_and_index(count).items()})
    before = resident()
    print({key: round(value, 4) for key, value in load_and_recover(count, 128).items()})
    print(f"resident growth over {count:,} messages: {(resident() - before) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
