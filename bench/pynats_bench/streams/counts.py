"""Measures counts and searches by subject in a large stream, without a broker:
`python -m pynats_bench.streams.counts [messages] [subjects]`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.seeker import Seeker, Sought
from pynats_server.work import Work, finish

from pynats_bench.streams.store import resident

STEPS = 4000
FILTERS = {
    ">": [b">"],
    "literal": [b"orders.3.77"],
    "one in ten": [b"orders.3.*"],
    "three wildcards": [b"orders.3.*", b"orders.*.7", b"*.5.9*"],
}


def fill(folder: Path, messages: int, subjects: int) -> FileStore:
    """A stream whose subjects come in no order."""
    store = FileStore(FileConfig("B", folder, sync_interval_s=120, block_size=8 << 20))
    at = 0
    for number in range(messages):
        at = (at + 617_411) % subjects
        store.append(b"orders.%d.%d" % (at % 10, at // 10), None, b"x" * 64, number + 1)
        if number % 1000 == 999:
            store.flush()
    return store


def timed(name: str, work: Work[object]) -> None:
    """Runs it and says how long it took, and its longest step."""
    begin, longest, count = time.thread_time(), 0.0, 0
    while True:
        before = time.thread_time()
        try:
            next(work)
        except StopIteration as end:
            longest = max(longest, time.thread_time() - before)
            value = end.value if isinstance(end.value, int) else len(end.value)
            took = time.thread_time() - begin
            print(
                f"{name:44} {took * 1e3:9.2f} ms {count + 1:6} steps, the longest "
                f"{longest * 1e3:6.2f} ms: {value}"
            )
            return
        longest, count = max(longest, time.thread_time() - before), count + 1


def sought(store: FileStore, filters: FilterSet) -> Work[int]:
    """How many messages a reader of the whole stream finds, most of them in vain."""
    seeker, at, found = Seeker(store, filters), 1, 0
    while True:
        what, at, block, _ = seeker.seek(at, store.last_seq, STEPS)
        if what == Sought.NOTHING:
            return found
        if what == Sought.UNREAD:
            assert block is not None
            yield from store.loading(block)
        elif what == Sought.FOUND:
            found, at = found + 1, at + 1
        yield


def main() -> None:
    """Prints a line for each question."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    subjects = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="counts-bench-") as name:
        store = fill(Path(name), messages, subjects)
        store.close()
        store = FileStore(FileConfig("B", Path(name), sync_interval_s=120, block_size=8 << 20))
        print(f"{messages} messages, {subjects} subjects, {len(store.blocks)} cold blocks")
        before = resident()
        for turn in ("cold", "again"):
            for where, start in (("all", 1), ("from the middle", messages // 2)):
                for text, filters in FILTERS.items():
                    timed(
                        f"count {text}, {where}, {turn}",
                        store.counting_from(FilterSet(filters), start),
                    )
        columns = sum(b.column.memory_bytes for b in store.blocks if b.column is not None)
        print(f"columns {columns / 1e6:.1f} MB, resident {(resident() - before) / 1e6:+.1f} MB")
        for turn in ("cold", "again"):
            timed(
                f"newest of each, one in ten, {turn}", store.newest_of(FilterSet([b"orders.3.*"]))
            )
        timed("search for one subject", sought(store, FilterSet([b"orders.3.77"])))
        timed("search for a hundred subjects", sought(store, FilterSet([b"*.3.77*"])))
        finish(store.purging(b"none"))
        store.close()


if __name__ == "__main__":
    main()
