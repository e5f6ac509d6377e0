"""Questions about many subjects or messages: each step is small, and the answers are exact."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynats_common.archive import Entry
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.archive import LOOK, PIECE, read_archive, write_archive
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.queries import SCAN, WALK
from pynats_server.jetstream.store.search.subjectwalk import SubjectWalk
from pynats_server.jetstream.store.subjects import SubjectTree, matches
from pynats_server.work import finish

from tests.support.fuzzing import examples
from tests.support.steploop import steps

MANY = 20_000


@pytest.fixture(scope="module")
def wide() -> MemoryStore:
    """A stream of many subjects with one message each."""
    store = MemoryStore("S")
    for at in range(MANY):
        store.append(b"s.%d" % at, None, b"", at + 1)
    return store


@pytest.fixture(scope="module")
def long() -> MemoryStore:
    """A long stream with a rare subject at both ends."""
    store = MemoryStore("S")
    store.append(b"rare.1", None, b"", 1)
    for at in range(MANY):
        store.append(b"often.%d" % (at % 7), None, b"", at + 1)
    store.append(b"rare.1", None, b"", MANY)
    return store


token = st.sampled_from([b"a", b"b", b"ab", b"*"])
subject = st.lists(st.sampled_from([b"a", b"b", b"ab", b"abc"]), min_size=1, max_size=4).map(
    b".".join
)
pattern = st.one_of(
    st.lists(token, min_size=1, max_size=4).map(b".".join),
    st.lists(token, max_size=3).map(lambda tokens: b".".join((*tokens, b">"))),
)


@settings(max_examples=examples(200))
@given(st.lists(pattern, min_size=1, max_size=8), subject)
def test_a_set_of_filters_covers_what_one_of_them_does(
    patterns: list[bytes], subject: bytes
) -> None:
    filters = FilterSet(patterns)
    covered = any(matches(one, subject) for one in patterns)
    assert filters.matches(subject) == covered
    if covered:
        assert all(filters.may_match(subject[:end]) for end in range(len(subject) + 1))


@settings(max_examples=examples(200))
@given(
    st.sets(subject, max_size=25), st.sets(subject, max_size=25), st.sets(subject, max_size=25),
    st.lists(pattern, min_size=1, max_size=3), st.integers(1, 5),
)  # fmt: skip
def test_a_walk_meets_what_stays_once_whatever_happens_between_its_steps(
    stays: set[bytes], goes: set[bytes], comes: set[bytes], patterns: list[bytes], step: int
) -> None:
    tree = SubjectTree()
    for name in stays | goes:
        tree.set(name, 1, 1, 1)
    walk, found = SubjectWalk(tree, FilterSet(patterns)), []
    leaving, arriving = iter(sorted(goes - stays)), iter(sorted(comes, reverse=True))
    while not walk.done:
        found += [name for name, _ in walk.totals(step)]
        for gone in (next(leaving, None),):
            if gone is not None:
                tree.delete(gone)
        for new in (next(arriving, None),):
            if new is not None:
                tree.set(new, 1, 1, 1)
    assert found == sorted(set(found))
    covered = {name for name in stays if any(matches(one, name) for one in patterns)}
    assert covered <= set(found) <= stays | goes | comes


def test_filters_that_say_the_same_cost_what_one_costs(wide: MemoryStore) -> None:
    once, newest = steps(wide.last_of_each([b"s.*"]))
    assert newest == list(range(1, MANY + 1))
    assert once >= MANY / WALK
    for same in ([b"s.*"] * 1000, [b"s.*", b"s.>", b">"], [b"s.%d" % at for at in range(900)] * 9):
        count, _ = steps(wide.last_of_each(same))
        assert count <= once * 1.5


def test_more_subjects_than_are_answered_are_not_visited(wide: MemoryStore) -> None:
    count, newest = steps(wide.last_of_each([b"s.*"], 0, 1024))
    assert newest is None
    assert count <= 3 * 1024 / WALK + 1
    assert steps(wide.last_of_each([b"s.1", b"s.2"], 0, 1024))[1] == [2, 3]


@pytest.mark.parametrize("filter", [b"rare.*", b"rare.1", b"*.1.>"])
def test_a_search_for_what_is_rare_is_sliced(long: MemoryStore, filter: bytes) -> None:
    found = filter != b"*.1.>"
    count, message = steps(long.find_next(filter, 2))
    assert (message.seq if message else None) == (MANY + 2 if found else None)
    assert count >= MANY // SCAN or not found
    count, message = steps(long.find_last(filter, MANY + 1))
    assert (message.seq if message else None) == (1 if found else None)
    assert count >= MANY // SCAN or not found
    assert steps(long.count_pending(filter, 2))[1] == (1 if found else 0)


def test_a_time_is_found(long: MemoryStore) -> None:
    assert finish(long.find_since(MANY // 2)) == MANY // 2 + 1
    assert finish(long.find_since(MANY + 1)) == MANY + 3


def test_times_that_no_message_can_have_are_before_or_after_all(long: MemoryStore) -> None:
    """A client may ask for the year 9999."""
    assert finish(long.find_since(2**63)) == MANY + 3
    assert finish(long.find_since(-(2**63) - 1)) == 1


def test_subjects_are_listed_in_small_pieces(wide: MemoryStore) -> None:
    pieces = list(wide.subject_pages(b"s.*"))
    assert max(map(len, pieces)) <= WALK
    assert [name for piece in pieces for name, _ in piece] == sorted(
        b"s.%d" % at for at in range(MANY)
    )


def test_deleted_sequences_are_listed_in_small_pieces() -> None:
    store = MemoryStore("S")
    store.append(b"a", None, b"", 1)
    store.skip(5_000_000, 2)
    store.append(b"a", None, b"", 3)
    store.append(b"a", None, b"", 4)
    store.append(b"a", None, b"", 5)
    store.remove(store.last_seq - 1)
    first = [seq for piece in store.missing(2500) for seq in piece]
    assert first == list(range(2, 2502))
    assert max(map(len, store.missing(10_000))) <= 1000
    assert store.state(deleted=True).num_deleted == 5_000_001


def stores(folder: Path) -> Iterator[BlockStore]:
    """One in memory; one on disk, opened from its index, with most of it not in memory."""
    config = FileConfig("S", folder, block_size=600, cache_bytes=700)
    memory, file = MemoryStore("S"), FileStore(config)
    memory.block_size = 600
    for at in range(300):
        for store in (memory, file):
            store.append(b"k.%d.%d" % (at % 3, at * at % 17), None, b"x" * (at % 5), at + 1)
    for seq in range(5, 300, 4):
        memory.remove(seq)
        file.remove(seq)
    file.close()
    yield memory
    again = FileStore(config)
    yield again
    again.close()


def test_the_newest_of_each_subject_at_any_time_are_exact(tmp_path: Path) -> None:
    for store in stores(tmp_path):
        live = [store.load(seq) for seq, _ in store.oldest()]
        for filters in ([b">"], [b"k.1.*"], [b"k.0.4", b"k.2.>", b"k.2.1"]):
            for up_to in (0, 1, 7, 150, 299, 300):
                newest = {
                    m.subject: m.seq
                    for m in live
                    if (not up_to or m.seq <= up_to)
                    and any(matches(one, m.subject) for one in filters)
                }
                expected = sorted(newest.values())
                assert finish(store.last_of_each(filters, up_to)) == expected
                assert finish(store.last_of_each(filters, up_to, len(expected))) == expected
                if expected:
                    assert finish(store.last_of_each(filters, up_to, len(expected) - 1)) is None


def test_a_block_is_read_back_in_steps_and_whole(tmp_path: Path) -> None:
    config = FileConfig("S", tmp_path, cache_bytes=700)
    store = FileStore(config)
    for at in range(5000):
        store.append(b"k.%d" % at, None, b"x", at + 1)
    store.roll_block()
    store.append(b"end", None, b"", 6000)
    store.close()
    store = FileStore(config)
    assert not store.blocks[0].loaded
    count, message = steps(store.read(2500))
    assert message.subject == b"k.2499"
    assert count >= 5
    store.close()
    store = FileStore(config)
    reading = store.read(2500)
    next(reading)
    store.load_block(store.blocks[0])  # somebody needs it at once
    store.remove(2501)
    assert steps(reading)[1].seq == 2500
    assert store.get(2501) is None
    store.close()


def archived(parts: Iterable[bytes]) -> list[Entry]:
    """The entries of an archive."""
    read = read_archive(io.BytesIO(b"".join(parts)), 1 << 30)
    return [entry for entry in read if entry is not None]


def test_an_archive_is_written_in_small_pieces(wide: MemoryStore) -> None:
    parts = list(write_archive(wide, []))
    assert len(parts) > MANY // LOOK
    assert [entry.name for entry in archived(parts)] == [b"s.%d" % at for at in range(MANY)]


def test_a_large_message_is_archived_in_small_pieces() -> None:
    store = MemoryStore("S")
    payload = random.Random(1).randbytes(20 * PIECE)
    store.append(b"a", None, payload, 1)
    parts = list(write_archive(store, []))
    assert max(map(len, parts)) < PIECE * 9 // 8
    assert [entry.payload for entry in archived(parts)] == [payload]


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_an_archive_leaves_out_what_goes_before_its_turn(tmp_path: Path, kind: str) -> None:
    """And what comes after it began."""
    store = FileStore(FileConfig("S", tmp_path)) if kind == "file" else MemoryStore("S")
    for at in range(4 * LOOK):
        store.append(b"s.%d" % (at % 2), None, b"", at + 1)
    parts = write_archive(store, [])
    written = [next(parts) for _ in range(4)]
    store.append(b"s.new", None, b"", 4 * LOOK)
    finish(store.purging(b"s.0"))
    seqs = [entry.seq for entry in archived([*written, *parts])]
    assert 4 * LOOK + 1 not in seqs
    assert {seq for seq in seqs if seq % 2 == 0} == set(range(2, 4 * LOOK + 1, 2))
    odd = [seq for seq in seqs if seq % 2]
    assert odd == list(range(1, 2 * len(odd), 2))
    assert len(odd) < 2 * LOOK
    store.close()


def test_a_large_document_is_archived_in_small_pieces() -> None:
    payload = random.Random(2).randbytes(20 * PIECE)
    documents = [Entry(b"state.json", 1, 0, b"", b"{}"), Entry(b"consumers/c", 1, 0, b"", payload)]
    parts = list(write_archive(MemoryStore("S"), documents))
    assert max(map(len, parts)) < 2 * PIECE * 9 // 8
    assert archived(parts) == documents
