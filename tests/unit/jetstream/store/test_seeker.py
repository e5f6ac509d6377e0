"""The search for what comes next: every live message of its filters in order and no other, in calls
that do little, from blocks that are read only when they hold something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.contract import U64_MAX
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.seeker import Seeker, Sought
from pynats_server.work import finish

from tests.support.fuzzing import examples
from tests.unit.jetstream.store.test_counts import FILTERS, Life, make, messages


def following(
    store: BlockStore,
    seeker: Seeker,
    start: int,
    steps: int = 1000,
    between: Callable[[], object] = lambda: None,
    stop: int = U64_MAX,
) -> int:
    """The next sequence, 0 at the end."""
    while True:
        found, seq, block, left = seeker.seek(start, stop, steps)
        assert left >= -600  # see `PART`
        if found == Sought.FOUND:
            return seq
        if found == Sought.NOTHING:
            return 0
        if found == Sought.UNREAD:
            assert block is not None
            finish(store.loading(block))
        else:
            assert left <= 0
            between()
        start = seq


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["memory", "file", "reopened"]),
    st.integers(0, 10_000),
    st.sampled_from(FILTERS),
    st.sampled_from([1, 7, 1000]),
    st.booleans(),
    st.integers(0, 2),
)
def test_a_search_meets_every_message_of_its_filters(
    tmp_path: Path, kind: str, seed: int, names: list[bytes], steps: int, known: bool, busy: int
) -> None:
    store = make(kind, tmp_path / "S", seed)
    life, filters = Life(store, seed + 1), FilterSet(names)
    life.clock, life.sweeps = 1000, 0
    if known:  # with a column for every block
        store.count_from(FilterSet([b"*.>"]), store.first_seq + 1)
    seeker = Seeker(store, filters)
    last = store.last_seq
    before, met, at = messages(store), [], 0
    while at := following(store, seeker, at + 1, steps, lambda: life.live(busy), last):
        assert store.is_live(at)
        met.append(at)
        life.live(busy)
    after = messages(store)
    wanted = [seq for seq, subject in before.items() if filters.matches(subject)]
    assert set(met) <= set(wanted)
    assert sorted(set(met)) == met
    assert [seq for seq in wanted if seq in after and seq not in met] == []
    while at := following(store, seeker, at + 1, steps):
        assert at in after
        met.append(at)
    wanted = [seq for seq, subject in after.items() if filters.matches(subject)]
    assert [seq for seq in met if seq in after and seq > last] == [s for s in wanted if s > last]
    store.close()


@pytest.mark.parametrize("filter", [b"rare.*", b"rare.1"])
def test_blocks_that_hold_nothing_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filter: bytes
) -> None:
    config = FileConfig("S", tmp_path / "S", block_size=20_000, cache_bytes=45_000)
    store = FileStore(config)
    for at in range(20_000):
        name = b"rare.%d" % (at % 2) if at in (3, 10_001, 19_999) else b"often.%d" % (at % 99)
        store.append(name, None, b"x", at + 1)
    wanted = [10_002, 20_000]
    store.count_from(FilterSet([b"*.1"]), 9000)
    seeker = Seeker(store, FilterSet([filter]))
    read: list[int] = []
    real = store.files.read_block
    monkeypatch.setattr(
        store.files, "read_block", lambda block: read.append(block.index) or real(block)
    )
    at, met, calls = 9000, [], 0

    def again() -> None:
        nonlocal calls
        calls += 1

    while at := following(store, seeker, at + 1, 100, again):
        met.append(at)
    assert met == wanted
    assert len(read) <= 1
    assert calls < 11_000 // 100
    store.close()


def test_a_search_goes_no_further_than_it_may() -> None:
    store = MemoryStore("S")
    for at in range(10):
        store.append(b"a.%d" % (at % 2), None, b"", at + 1)
    for name, first in ((b">", 5), (b"a.1", 6), (b"a.*", 5)):
        seeker = Seeker(store, FilterSet([name]))
        assert seeker.seek(5, 4, 100)[0] == Sought.NOTHING
        assert following(store, seeker, 5, stop=first) == first
        assert following(store, seeker, 11) == 0


def test_a_damaged_message_is_stepped_over(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path / "S", block_size=2000)
    store = FileStore(config)
    for at in range(100):
        store.append(b"a.%d" % (at % 2), None, b"x", at + 1)
    store.close()
    store = FileStore(config)
    path = store.files.path_of(store.blocks[0])
    data = bytearray(path.read_bytes())
    data[70] ^= 1
    path.write_bytes(data)
    for name in (b">", b"a.*", b"a.1"):
        seeker = Seeker(store, FilterSet([name]))
        met, at = [], 0
        while at := following(store, seeker, at + 1):
            met.append(at)
        (lost,) = store.lost
        step = 2 if name == b"a.1" else 1
        assert met == [seq for seq in range(step, 101, step) if seq != lost]
    store.close()
