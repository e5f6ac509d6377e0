"""Counts of filters are exact for the moment in which they are given, whatever happens while they
are looked for."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.search import counts
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.work import finish

from tests.support.fuzzing import examples
from tests.support.steploop import steps

FILTERS = [
    [b">"],
    [b"a.1"],
    [b"a.*"],
    [b"b.>"],
    [b"*.1"],
    [b"a.2", b"b.3.x", b"none"],
    [b"a.*", b"*.3.x"],
    [b"none.>"],
]
SUBJECTS = [b"a.%d" % at for at in range(6)] + [b"b.%d.x" % at for at in range(6)]


def messages(store: BlockStore) -> dict[int, bytes]:
    return {seq: store.load(seq).subject for seq, _ in store.oldest()}


def naive(store: BlockStore, filters: FilterSet, start: int) -> int:
    return sum(
        seq >= start and filters.matches(subject) for seq, subject in messages(store).items()
    )


class Life:
    """A store in which anything happens."""

    def __init__(self, store: BlockStore, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.clock = 1
        self.sweeps = 2  # a count starts again after each

    def live(self, times: int) -> None:
        for _ in range(times):
            self.happen()

    def append(self) -> None:
        self.clock += 1
        subject = self.random.choice(SUBJECTS)
        if self.random.random() < 0.1:
            subject = b"a.new.%d" % self.random.randrange(50)
        self.store.append(subject, None, b"x" * self.random.randrange(20), self.clock)

    def happen(self) -> None:
        store, event = self.store, self.random.random()
        if event < 0.6 or not store.msgs:
            self.append()
        elif event < 0.85:
            store.remove(self.random.randint(store.first_seq, store.last_seq))
        elif event < 0.9:
            store.enforce_limits(max_msgs=max(1, store.msgs - 2))
        elif event < 0.93:
            store.purge(self.random.choice([b"a.1", b"b.*.x", b"a.new.>"]), 0, 1)
        elif event < 0.95:
            store.skip(self.random.randint(1, 300), self.clock)
        elif event < 0.97:
            store.compact(store.first_seq + self.random.randrange(20))
        elif event < 0.98 and self.sweeps:
            self.sweeps -= 1
            if event < 0.975:
                store.purge()
            else:
                store.truncate(max(store.first_seq, store.last_seq - 3))
        else:
            store.enforce_limits(max_per_subject=3, subject=self.random.choice(SUBJECTS))


@pytest.fixture
def tiny_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(counts, "SCAN", 60)
    monkeypatch.setattr(counts, "WALK", 4)
    monkeypatch.setattr(counts, "COLLECT", 20)
    yield


def make(kind: str, folder: Path, seed: int) -> BlockStore:
    if kind == "memory":
        store: BlockStore = MemoryStore("S")
        store.block_size = 1000
        Life(store, seed).live(300)
        return store
    shutil.rmtree(folder, ignore_errors=True)
    config = FileConfig("S", folder, block_size=1000, cache_bytes=2000)
    store = FileStore(config)
    Life(store, seed).live(300)
    if kind == "file":
        store.flush()
        return store
    store.close()
    return FileStore(config)


@pytest.mark.usefixtures("tiny_steps")
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["memory", "file", "reopened"]),
    st.integers(0, 10_000),
    st.sampled_from(FILTERS),
    st.floats(-0.1, 1.1),
    st.sampled_from([0, 0, 1, 3]),
)
def test_a_count_is_exact_when_it_is_given(
    tmp_path: Path, kind: str, seed: int, names: list[bytes], where: float, busy: int
) -> None:
    store = make(kind, tmp_path / "S", seed)
    life, filters = Life(store, seed + 1), FilterSet(names)
    life.clock = 1000
    for _ in range(3):
        span = store.last_seq - store.first_seq
        start = max(0, store.first_seq + int(where * span))
        work = store.counting_from(filters, start)
        while True:
            try:
                next(work)
            except StopIteration as end:
                assert end.value == naive(store, filters, start)
                break
            life.live(busy)
        life.live(20)  # columns stay true
        assert store.count_from(filters, start) == naive(store, filters, start)
    store.close()


@pytest.mark.usefixtures("tiny_steps")
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["memory", "file", "reopened"]),
    st.integers(0, 10_000),
    st.sampled_from(FILTERS),
    st.floats(-0.1, 1.1),
    st.sampled_from([0, 0, 1, 3]),
)
def test_the_newest_messages_of_subjects_are_exact_when_they_are_given(
    tmp_path: Path, kind: str, seed: int, names: list[bytes], where: float, busy: int
) -> None:
    store = make(kind, tmp_path / "S", seed)
    life, filters = Life(store, seed + 1), FilterSet(names)
    life.clock, life.sweeps = 1000, 0
    for again in range(3):
        bound = store.last_seq
        if again < 2:
            bound = store.first_seq + int(where * (store.last_seq - store.first_seq))
            bound = max(1, min(bound, store.last_seq))
        work = store.newest_of(filters, bound if again < 2 else 0)
        while True:
            try:
                next(work)
            except StopIteration as end:
                last = {
                    subject: seq
                    for seq, subject in messages(store).items()
                    if seq <= bound and filters.matches(subject)
                }
                assert list(end.value) == sorted(last.values())
                break
            life.live(busy)
        found = finish(store.find_last_of(filters, bound))
        assert (found.seq if found else 0) == max(last.values(), default=0)
        life.live(20)
    store.close()


MANY = 40_000


@pytest.fixture
def large(tmp_path: Path) -> Iterator[FileStore]:
    """Cold: only the index has been read."""
    config = FileConfig("S", tmp_path / "S", block_size=100_000, cache_bytes=150_000)
    store = FileStore(config)
    for at in range(MANY):
        store.append(b"k.%d.%d" % (at % 2, at % 1000), None, b"x", at + 1)
    store.close()
    store = FileStore(config)
    yield store
    store.close()


def loads(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the blocks that are read from now on."""
    read: list[int] = []
    real = store.files.read_block
    monkeypatch.setattr(
        store.files, "read_block", lambda block: read.append(block.index) or real(block)
    )
    return read


def test_all_messages_and_those_of_the_whole_stream_are_counted_without_reading(
    large: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = loads(large, monkeypatch)
    assert steps(large.counting_from(FilterSet([b">"]), 123)) == (1, MANY - 122)
    taken, count = steps(large.counting_from(FilterSet([b"k.1.*"]), 1))
    assert count == MANY // 2
    assert taken >= 500 // counts.WALK
    assert steps(large.counting_from(FilterSet([b"k.1.7"]), 1)) == (1, MANY // 1000)
    assert steps(large.counting_from(FilterSet([b"k.1.*"]), MANY + 1)) == (1, 0)
    assert read == []


@pytest.mark.parametrize("filter", [b"k.1.*", b"k.1.7"])
def test_each_block_is_read_once_at_most_however_often_is_counted(
    large: FileStore, monkeypatch: pytest.MonkeyPatch, filter: bytes
) -> None:
    read = loads(large, monkeypatch)
    middle = MANY // 2 + 1
    whole = large.count_from(FilterSet([filter]), 1)
    first, count = steps(large.counting_from(FilterSet([filter]), middle))
    assert count == whole // 2
    assert first >= MANY // 2 // counts.SCAN
    assert len(read) == len(set(read)) < len(large.blocks)
    del read[:]
    for start in (middle, middle + 5000, MANY - 1500):
        again, count = steps(large.counting_from(FilterSet([filter]), start))
        assert count == naive(large, FilterSet([filter]), start)
        assert again <= first // 4
        del read[:]  # by the naive count


def test_the_newest_of_many_subjects_are_found_in_one_pass(
    large: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = loads(large, monkeypatch)
    taken, found = steps(large.newest_of(FilterSet([b"k.1.*"])))
    assert found is not None
    assert list(found) == list(range(MANY - 998, MANY + 1, 2))
    assert len(read) <= 2
    assert taken >= 500 // counts.WALK
    assert steps(large.newest_of(FilterSet([b"k.1.*"]), 0, 100)) == (1, None)
    del read[:]
    taken, found = steps(large.newest_of(FilterSet([b"k.1.*"])))  # now the subjects know
    assert found is not None and len(found) == 500
    assert read == []
    assert taken <= 500 // 100


def test_the_smaller_side_is_counted(large: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    read = loads(large, monkeypatch)
    filters = FilterSet([b"k.1.*"])
    assert large.count_from(filters, 1001) == (MANY - 1000) // 2
    assert read == [large.blocks[0].index]


def test_columns_take_a_bounded_amount_of_memory(large: FileStore) -> None:
    filters = FilterSet([b"k.1.*"])
    large.column_room = 30_000
    assert large.count_from(filters, MANY // 2) == naive(large, filters, MANY // 2)
    kept = [block.column.memory_bytes for block in large.blocks if block.column is not None]
    assert 0 < sum(kept) < 30_000 + 2 * max(kept)
    for at in range(MANY):
        large.append(b"k.1.1", None, b"x", MANY + at)
    kept = [block.column.memory_bytes for block in large.blocks if block.column is not None]
    assert 0 < sum(kept) < 30_000 + 2 * max(kept)
    assert large.count_from(filters, MANY // 2) == naive(large, filters, MANY // 2)


def test_damaged_messages_are_not_counted(large: FileStore) -> None:
    filters, every = FilterSet([b"k.1.*"]), FilterSet([b">"])
    path = large.files.path_of(large.blocks[1])
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    start = large.blocks[1].first_seq
    before = large.count_from(every, start)
    true = naive(large, filters, start)  # now the block has been read
    assert len(large.lost) == 1
    assert large.count_from(filters, start) == true
    lost = next(iter(large.lost))
    assert large.count_from(every, start) == before - 1
    assert large.count_from(every, lost) == naive(large, every, lost)
    assert large.count_from(every, lost + 1) == naive(large, every, lost + 1)
    large.remove(lost + 1)
    large.purge(b">", lost)
    assert large.count_from(every, 1) == large.msgs == naive(large, every, 1)
    large.purge(b">", lost + 1)
    assert large.count_from(every, 1) == large.msgs == naive(large, every, 1)
    assert large.count_from(filters, 1) == naive(large, filters, 1)


def test_sequences_far_apart_cost_no_memory() -> None:
    store = MemoryStore("S")
    for at in range(200):
        store.append(b"k.%d" % (at % 3), None, b"", at + 1)
        store.skip(90_000, at + 1)
    filters = FilterSet([b"k.1"])
    for start in (0, 9_000_000, store.last_seq):
        assert store.count_from(filters, start) == naive(store, filters, start)
    assert all(block.column is None for block in store.blocks)
    assert finish(store.count_pending(b"k.*", 2)) == 199
