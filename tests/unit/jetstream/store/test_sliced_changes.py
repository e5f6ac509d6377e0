"""Purges and limits in steps: what goes is fixed at the beginning, every step is small, and at each
of them the store is sound: counters, subjects and what a restart would find agree."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.removal.removing import TAKE
from pynats_server.jetstream.store.subjects import matches
from pynats_server.work import Work

from tests.support.fuzzing import examples

T = TypeVar("T")
MANY = 20_000


def sound(store: BlockStore) -> dict[int, bytes]:
    """Checks that the figures agree with the messages, which it returns."""
    live = {seq: store.load(seq).subject for seq, _ in store.oldest()}
    assert store.msgs == len(live) == sum(block.msgs for block in store.blocks)
    assert store.nbytes == sum(block.nbytes for block in store.blocks)
    assert store.subject_totals(b">") == Counter(live.values())
    last = {subject: seq for seq, subject in live.items()}
    first = {subject: seq for seq, subject in reversed(live.items())}
    for subject, (_, *ends) in store.subject_states(b">").items():
        assert ends == [first[subject], last[subject]]
    return live


def through(work: Work[T], between: Callable[[], None]) -> tuple[int, T]:
    """Does it with something in between the steps; (steps, result)."""
    count = 0
    while True:
        count += 1
        try:
            next(work)
        except StopIteration as end:
            return count, end.value
        between()


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlockStore:
    made: BlockStore = MemoryStore("S")
    if request.param == "file":
        made = FileStore(FileConfig("S", tmp_path / "S", block_size=100_000))
    made.block_size = 100_000
    return made


def fill(store: BlockStore, subjects: int) -> None:
    for at in range(MANY):
        store.append(b"s.%d" % (at % subjects), None, b"x", at + 1)


@pytest.mark.parametrize("purge", [(b"s.*", 0, 1), (b"s.1.>", 0, 0), (b">", MANY, 0),
                                   (b"s.*", MANY // 2, 0), (b">", 0, 5)])  # fmt: skip
def test_a_purge_takes_some_hundred_messages_in_a_step(
    store: BlockStore, purge: tuple[bytes, int, int]
) -> None:
    fill(store, MANY)
    most = 0
    before = store.msgs

    def between() -> None:
        nonlocal most, before
        most = max(most, before - store.msgs)
        before = store.msgs

    steps, gone = through(store.purging(*purge), between)
    assert most <= TAKE
    assert steps >= gone // TAKE
    sound(store)


def test_a_full_purge_does_not_visit_messages_and_takes_what_was_there(store: BlockStore) -> None:
    fill(store, MANY)
    steps, gone = through(store.purging(), lambda: None)
    assert (steps, gone, store.msgs, store.num_subjects) == (1, MANY, 0, 0)
    assert store.append(b"s.1", None, b"", MANY + 1) == MANY + 1
    assert sound(store) == {MANY + 1: b"s.1"}


def test_messages_that_come_during_a_purge_stay(store: BlockStore) -> None:
    fill(store, 3)
    purge = store.purging()
    later = store.append(b"s.1", None, b"later", MANY + 1)  # asked for, not begun
    steps, gone = through(purge, lambda: None)
    assert gone == MANY
    assert steps >= MANY // TAKE
    assert sound(store) == {later: b"s.1"}
    for filter in (b"s.*", b"s.1"):
        kept = [store.append(b"s.1", None, b"", MANY + 2) for _ in range(2000)]
        came: list[int] = []
        steps, gone = through(
            store.purging(filter),
            lambda: came.append(store.append(b"s.1", None, b"", MANY + 3)),  # noqa: B023
        )
        assert steps > 2
        assert gone >= len(kept)
        assert list(sound(store)) == came
        store.purge()


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([b">", b"k.1", b"k.*", b"*.2"]),
    st.sampled_from([0, 30, 59, 100]),
    st.sampled_from([0, 0, 1, 17]),
    st.lists(st.sampled_from(["append", "remove", "kill"]), max_size=6),
)
def test_a_purge_and_whatever_happens_between_its_steps_leave_a_sound_store(
    tmp_path: Path, filter: bytes, up_to: int, keep: int, events: list[str]
) -> None:
    folder = tmp_path / "S"
    shutil.rmtree(folder, ignore_errors=True)
    config = FileConfig("S", folder, block_size=600)
    store = FileStore(config)
    for at in range(100):
        store.append(b"k.%d" % (at % 4), None, b"x", at + 1)
    for seq in range(3, 90, 7):
        store.remove(seq)
    original = sound(store)
    hit = [seq for seq, name in original.items() if matches(filter, name)]
    hit = [seq for seq in hit if not up_to or seq < up_to]
    doomed = set(hit[: max(0, len(hit) - keep)])
    work, todo = store.purging(filter, up_to, keep), iter(events)
    expected = set(original) - doomed

    def between() -> None:
        event = next(todo, "")
        if event == "append":
            expected.add(store.append(b"k.1", None, b"new", 500))
        elif event == "remove" and store.msgs:
            expected.discard(store.first_seq)
            store.remove(store.first_seq)
        elif event == "kill":
            store.flush()
            killed = FileStore(config)  # a folder with a part of the purge
            assert expected <= set(sound(killed)) <= expected | doomed
        sound(store)

    between()
    through(work, between)
    assert set(sound(store)) == expected
    store.close()
    again = FileStore(config)
    assert set(sound(again)) == expected
    again.close()


def test_a_purge_that_ends_with_the_stream_goes_on_at_its_next_start(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path, block_size=100_000)
    store = FileStore(config)
    fill(store, 4)
    purge = store.purging(b"s.1")
    for _ in range(12):
        next(purge)
    purge.close()
    left = sound(store)
    assert MANY * 3 // 4 < len(left) < MANY
    store.append(b"s.1", None, b"later", 0)
    store.close()
    again = FileStore(config)
    kept = {seq: subject for seq, subject in left.items() if subject != b"s.1"}
    assert sound(again) == kept | {MANY + 1: b"s.1"}
    again.close()


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_a_lowered_limit_per_subject_is_applied_in_steps(store: BlockStore, limit: int) -> None:
    fill(store, 1000)
    most = 0
    before = store.msgs

    def between() -> None:
        nonlocal most, before
        most = max(most, before - store.msgs)
        before = store.msgs
        if store.msgs % 3:  # publishes go on
            subject = b"s.%d" % (store.msgs % 1000)
            store.append(subject, None, b"new", MANY + 1)
            store.enforce_limits(0, 0, limit, subject, 64)

    steps, _ = through(store.enforcing(0, 0, limit), between)
    assert most <= TAKE + 64
    assert steps >= MANY // TAKE
    live = sound(store)
    assert set(Counter(live.values()).values()) == {limit}
    for at in range(3000):  # and each publish then removes one
        subject = b"s.%d" % (at % 1000)
        store.append(subject, None, b"", MANY + 2)
        assert store.enforce_limits(0, 0, limit, subject, 64) == 1
    assert not store.behind


def test_a_rollup_while_a_limit_per_subject_is_applied_replaces_all_of_its_subject(
    store: BlockStore,
) -> None:
    """Then the oldest messages are not all known, and a publish leaves what is beyond the limit to
    the work that runs. A rollup has nobody who would do the rest."""
    fill(store, 1000)
    rolled: dict[bytes, int] = {}

    def between() -> None:
        subject = b"s.%d" % (len(rolled) % 1000)
        store.remove(store.subject_state(subject)[1])  # the next oldest has to be looked for
        rolled[subject] = store.append(subject, None, b"only", MANY + 1)
        store.enforce_limits(0, 0, 1, subject)
        assert store.subject_state(subject) == (1, rolled[subject], rolled[subject])

    through(store.enforcing(0, 0, 7), between)
    assert rolled
    live = sound(store)
    assert {subject: live[seq] for subject, seq in rolled.items()} == {s: s for s in rolled}


def test_lowered_limits_of_the_stream_are_applied_in_steps(store: BlockStore) -> None:
    fill(store, 10)
    each = store.nbytes // store.msgs
    steps, _ = through(store.enforcing(MANY // 2, 0, 0), lambda: None)
    assert store.msgs == MANY // 2
    assert steps >= MANY // 2 // TAKE
    through(store.enforcing(0, 100 * each, 0), lambda: None)
    assert store.nbytes <= 100 * each + each
    assert max(sound(store)) == MANY


def test_a_publish_removes_a_bounded_number_and_says_what_is_left(store: BlockStore) -> None:
    fill(store, 10)
    store.append(b"s.1", None, b"", MANY + 1)
    assert store.enforce_limits(5, 0, 0, b"", 64) == 64
    assert store.behind
    through(store.enforcing(5, 0, 0), lambda: None)
    assert store.msgs == 5 and not store.behind


def test_the_last_message_alone_stays_without_a_visit_to_the_others(store: BlockStore) -> None:
    fill(store, MANY)
    ttl = b"NATS/1.0\r\nNats-TTL: 9\r\n\r\n"
    last = store.append(b"all", ttl, b"x", MANY + 1)
    assert store.keep_last() == MANY
    assert sound(store) == {last: b"all"}
    assert store.next_expiry() == MANY + 1 + 9_000_000_000
    assert store.append(b"s.1", None, b"", MANY + 2) == last + 1
    assert set(sound(store)) == {last, last + 1}
    if isinstance(store, FileStore):
        store.close()
        again = FileStore(store.config)
        assert set(sound(again)) == {last, last + 1}
        again.close()


def test_what_expires_at_once_is_found_in_parts(store: BlockStore) -> None:
    header = b"NATS/1.0\r\nNats-TTL: 1s\r\n\r\n"
    for at in range(5000):
        store.append(b"s.%d" % at, header, b"", at)
    now = 5_000_000_000
    gone: list[int] = []
    rows: list[tuple[int, bytes, int, bool]] = [(0, b"", 0, True)]
    while rows or through(store.read_for_expiry(), lambda: None)[1]:
        rows = list(store.expired(now, 0, True, 500))
        assert len(rows) <= 500
        for seq, *_ in rows:
            store.remove(seq)
            gone.append(seq)
    assert gone == list(range(1, 5001))
    assert store.next_expiry() == 0


def test_expiries_of_messages_that_are_gone_are_forgotten_bit_by_bit() -> None:
    store = MemoryStore("S")
    long, short = (b"NATS/1.0\r\nNats-TTL: %d\r\n\r\n" % ttl for ttl in (9, 1))
    for at in range(MANY):
        store.append(b"s.%d" % (at % 9), long if at % 2 else short, b"", at)
    store.purge(b"*", 0, 0)
    for seq in range(1, MANY, 2):
        store.remove(seq)  # the short ones: on top of the queue
    before = store.queued_expiries()
    assert before == MANY
    first = store.next_expiry()
    assert first <= 9_000_000_001
    assert 0 < before - store.queued_expiries() <= 2000
    for _ in range(MANY // 500):
        first = store.next_expiry()
    assert first == 9_000_000_001
    assert store.queued_expiries() == MANY // 2


@pytest.mark.parametrize("age", [0, 1_000_000_000])
def test_what_expires_from_cold_blocks_is_read_in_steps(tmp_path: Path, age: int) -> None:
    config = FileConfig("S", tmp_path, block_size=20_000, cache_bytes=25_000)
    store = FileStore(config)
    header = b"" if age else b"NATS/1.0\r\nNats-TTL: 1s\r\n\r\n"
    for at in range(3000):
        store.append(b"s.%d" % at, header, b"", at)
    store.close()
    store = FileStore(config)
    assert not store.blocks[0].loaded
    now, read, gone = 5_000_000_000, 0, []
    assert store.next_expiry(age) == 1_000_000_000
    while True:
        rows = list(store.expired(now, age, True, 500))
        for seq, *_ in rows:
            store.remove(seq)
            gone.append(seq)
        block = store.unread
        if block is not None:
            assert not block.loaded
            steps, was_read = through(store.read_for_expiry(), lambda: None)
            assert was_read and block.loaded and steps > 1
            read += 1
        elif not rows:
            break
    assert gone == list(range(1, 3001))
    assert read >= 3
    store.close()
