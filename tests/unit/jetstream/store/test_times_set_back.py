"""Streams whose clock was set back: searches and ages go by the times of messages, whatever their
order."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_server.jetstream.clock import now_ns, set_wall_clock
from pynats_server.jetstream.store import FileConfig, StoreFull
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.work import finish

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
YEARS = 10 * 365 * 24 * HOUR
AT_ONCE = 1  # ns
TTL = b"NATS/1.0\r\nNats-TTL: 1s\r\n\r\n"
NEVER = b"NATS/1.0\r\nNats-TTL: never\r\n\r\n"

Again = Callable[[BlockStore], BlockStore]


@pytest.fixture(autouse=True)
def _right_clock() -> Iterator[None]:
    yield
    set_wall_clock(0)


def opened(folder: Path) -> FileStore:
    return FileStore(FileConfig("S", folder, block_size=500))


def as_it_is(store: BlockStore) -> BlockStore:
    return store


def reopened(store: BlockStore) -> BlockStore:
    assert isinstance(store, FileStore)
    store.close()
    return opened(store.config.folder)


def scanned(store: BlockStore) -> BlockStore:
    assert isinstance(store, FileStore)
    store.close()
    (store.config.folder / "msgs" / "index.db").unlink()
    return opened(store.config.folder)


@pytest.fixture(params=["memory", "file", "reopened", "scanned"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str, tmp_path: Path) -> BlockStore:
    return MemoryStore("S") if kind == "memory" else opened(tmp_path)


@pytest.fixture
def again(kind: str) -> Again:
    """What happens to the store before it is looked at."""
    return {"reopened": reopened, "scanned": scanned}.get(kind, as_it_is)


def ran_out(store: BlockStore, max_age_ns: int, now: int = 0) -> list[int]:
    return [row[0] for row in store.expired(now or now_ns(), max_age_ns)]


def test_what_comes_after_a_message_from_the_future_runs_out_in_its_own_time(
    store: BlockStore, again: Again
) -> None:
    now = now_ns()
    store.append(b"s", None, b"future", now + YEARS)
    store.append(b"s", None, b"old", now - HOUR)
    store.append(b"s", None, b"fresh", now)
    store = again(store)
    assert ran_out(store, HOUR // 2) == [2]
    store.remove(2)
    due = store.next_expiry(HOUR // 2)
    assert now + HOUR // 2 <= due <= now_ns() + HOUR // 2


def test_a_message_from_the_future_ages_from_when_that_was_noticed(
    store: BlockStore, again: Again
) -> None:
    now = now_ns()
    store.append(b"s", None, b"past", now - HOUR)
    store.append(b"s", None, b"future", now + YEARS)
    store.append(b"s", None, b"now", now)
    store = again(store)
    assert ran_out(store, HOUR) == [1]
    assert ran_out(store, AT_ONCE) == [1, 2, 3]


def test_the_last_message_may_be_from_the_future(store: BlockStore, again: Again) -> None:
    store.append(b"s", None, b"future", now_ns() + YEARS)
    store = again(store)
    assert ran_out(store, HOUR) == []
    assert 0 < store.next_expiry(HOUR) <= now_ns() + HOUR
    assert ran_out(store, AT_ONCE) == [1]


def test_a_clock_that_is_behind_ends_nothing_early(store: BlockStore, again: Again) -> None:
    """A machine that starts in 1970 and gets the time later: what was noticed to be in the future
    meanwhile has not become old by that."""
    now = now_ns()
    store.append(b"s", None, b"yesterday", now - 24 * HOUR)
    set_wall_clock(-5 * YEARS)
    store = again(store)
    finish(store.find_noticed())
    assert ran_out(store, 48 * HOUR) == []
    set_wall_clock(0)
    assert ran_out(store, 48 * HOUR) == []
    assert ran_out(store, 12 * HOUR) == [1]


def test_ttls_of_messages_from_the_future_run_out(store: BlockStore, again: Again) -> None:
    now = now_ns()
    for _ in range(30):
        store.append(b"s", TTL, b"future", now + YEARS)
    store.append(b"s", NEVER, b"future", now + YEARS)
    store.append(b"s", TTL, b"now", now)
    store = again(store)
    assert store.next_expiry() <= now_ns()  # somebody has to look
    finish(store.find_noticed())
    store.remove(32)
    assert now < store.next_expiry() <= now_ns() + SECOND


def test_ttls_run_out_though_nothing_came_since_the_clock_was_set_back(
    store: BlockStore, again: Again
) -> None:
    store.append(b"s", TTL, b"future", now_ns() + YEARS)
    store = again(store)
    finish(store.find_noticed())
    assert 0 < store.next_expiry() <= now_ns() + SECOND


def test_a_ttl_that_has_run_out_stays_so_when_the_clock_moves(store: BlockStore) -> None:
    now = now_ns()
    store.append(b"s", TTL, b"future", now + YEARS)
    finish(store.find_noticed())
    store.noticed.push(1, 1)  # long ago, by the steady clock
    assert ran_out(store, 0, now) == [1]
    assert ran_out(store, 0, now - HOUR) == [1]


def test_small_steps_are_waited_for(store: BlockStore) -> None:
    store.append(b"s", None, b"", 100 * SECOND)
    assert store.time_for(100 * SECOND - 1) == 100 * SECOND
    assert store.time_for(99 * SECOND) == 100 * SECOND
    assert store.time_for(99 * SECOND - 1) == 99 * SECOND - 1
    assert store.time_for(101 * SECOND) == 101 * SECOND


def test_a_clock_that_jumps_all_the_time_costs_a_bounded_number_of_blocks(tmp_path: Path) -> None:
    store = FileStore(FileConfig("S", tmp_path))
    for at in range(1000):
        store.append(b"s", None, b"", 100 * SECOND + (at % 2) * (10 + at) * SECOND)
    assert len(store.blocks) <= 17
    assert len(store.turns) == 64
    assert min(by for _, by in store.turns.known()) > 800 * SECOND  # the largest are known
    store.close()


def test_ttls_are_found_before_turns_that_were_forgotten(store: BlockStore) -> None:
    now = now_ns()
    store.append(b"s", TTL, b"future", now + HOUR)
    for at in range(80):  # larger and larger ones
        store.append(b"s", None, b"", now + HOUR - 2 * SECOND)
        store.append(b"s", None, b"", now + HOUR + at * SECOND)
        finish(store.find_noticed())
    assert len(store.turns) == 64
    assert store.noticed.top()[1] == 1


def test_turns_go_with_the_messages_in_front_of_them(store: BlockStore, again: Again) -> None:
    for at in range(10):
        store.append(b"s", None, b"", (100 - 10 * at) * SECOND)
    store = again(store)
    assert [seq for seq, _ in store.turns.known()] == list(range(2, 11))
    store.compact(6)
    store.next_expiry(SECOND)
    assert [seq for seq, _ in store.turns.known()] == list(range(7, 11))
    store.truncate(8)
    assert [seq for seq, _ in store.turns.known()] == [7, 8]


def test_skipped_sequences_may_be_earlier_too(store: BlockStore, again: Again) -> None:
    store.append(b"s", None, b"", 100 * SECOND)
    store.skip(1, 50 * SECOND)
    store.append(b"s", None, b"", 60 * SECOND)
    store = again(store)
    assert ran_out(store, 10 * SECOND, 80 * SECOND) == [3]
    assert store.seq_from_time(70 * SECOND) == 1


def test_messages_that_never_age_are_passed_once_in_every_run(store: BlockStore) -> None:
    store.append(b"s", NEVER, b"", 100 * SECOND)
    store.append(b"s", None, b"", 101 * SECOND)
    store.append(b"s", NEVER, b"", 50 * SECOND)
    store.append(b"s", None, b"", 51 * SECOND)
    for _ in range(2):
        assert ran_out(store, 10 * SECOND, 200 * SECOND) == [2, 4]
    store.remove(2)
    assert ran_out(store, 10 * SECOND, 200 * SECOND) == [4]


TIMES = st.lists(st.integers(1, 60), min_size=1, max_size=40)


@settings(max_examples=40)
@given(TIMES, st.sampled_from([as_it_is, reopened, scanned]), st.sets(st.integers(1, 40)))
def test_searches_by_time_and_ages_are_those_of_a_plain_look(
    seconds: list[int], again: Again, removed: set[int]
) -> None:
    with TemporaryDirectory() as folder:
        store: BlockStore = opened(Path(folder))
        times = [2 * at * SECOND for at in seconds]
        for ts in times:
            store.append(b"s", None, b"", ts)
        for seq in removed:
            store.remove(seq)
        store = again(store)
        live = [(seq, ts) for seq, ts in enumerate(times, 1) if seq not in removed]
        for at in range(0, 124, 9):
            ts = at * SECOND
            first = next((seq for seq, found in live if found >= ts), len(times) + 1)
            assert store.seq_from_time(ts) == first
        now = 200 * SECOND
        for age in range(80, 200, 13):
            old = [seq for seq, ts in live if ts <= now - age * SECOND]
            assert ran_out(store, age * SECOND, now) == old
        store.close()


@given(st.lists(st.integers(-900, 900), min_size=1, max_size=30))
def test_small_disorder_within_a_block_is_searched_through(steps: list[int]) -> None:
    """As copies of messages that another server stored may have it."""
    store = MemoryStore("S")
    times = list(itertools.accumulate((step * 1_000_000 for step in steps), initial=100 * SECOND))
    highest = list(itertools.accumulate(times, max))
    times = [max(ts, high - SECOND) for ts, high in zip(times, highest, strict=True)]
    for ts in times:
        store.append(b"s", None, b"x" * 100, ts)
    for ts in times:
        first = next(seq for seq, found in enumerate(times, 1) if found >= ts)
        assert store.seq_from_time(ts) == first


class FullDisk(Disk):
    is_full = False

    def write(self, handle: int, data: bytes, offset: int) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "no space")
        super().write(handle, data, offset)


def test_a_turn_that_a_full_disk_takes_back_is_none(tmp_path: Path) -> None:
    disk = FullDisk()
    store = FileStore(FileConfig("S", tmp_path), disk=disk)
    store.append(b"s", None, b"", 100 * SECOND)
    store.flush()
    disk.is_full = True
    store.append(b"s", None, b"", 50 * SECOND)
    with pytest.raises(StoreFull):
        store.flush()
    assert (store.last_seq, store.last_ts, store.turns.known()) == (1, 100 * SECOND, [])
    disk.is_full = False
    store.append(b"s", None, b"", 60 * SECOND)
    assert store.turns.known() == [(2, 40 * SECOND)]
    again = reopened(store)
    assert again.turns.known() == [(2, 40 * SECOND)]
    assert [ts for _, ts in again.oldest()] == [100 * SECOND, 60 * SECOND]
    again.close()
