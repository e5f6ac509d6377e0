"""Reading a stream message by message, and keeping the newest: correct, and the cost does not grow
with the stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.search import queries
from pynats_server.jetstream.store.subjects import matches
from pynats_server.work import Work, finish

SUBJECTS = (b"a.b", b"a.c", b"a.b.c", b"d")
FILTERS = (b">", b"a.*", b"a.>", b"a.b", b"d", b"nothing.*", b"nothing")


def filled(subjects: list[bytes]) -> MemoryStore:
    store = MemoryStore("S")
    for at, subject in enumerate(subjects, 1):
        store.append(subject, None, b"x", at)
    return store


@given(
    st.lists(st.sampled_from(SUBJECTS), max_size=40),
    st.sets(st.integers(1, 40)),
    st.sampled_from(FILTERS),
    st.integers(0, 45),
    st.sampled_from((0, 1, 2, 5, 2**64 - 1)),
)
def test_purge_and_reads_agree_with_a_list(
    subjects: list[bytes], removed: set[int], filter: bytes, up_to: int, keep: int
) -> None:
    store = filled(subjects)
    for seq in removed:
        store.remove(seq)
    live = [seq for seq in range(1, len(subjects) + 1) if seq not in removed]
    hit = [seq for seq in live if matches(filter, subjects[seq - 1])]
    for at in (0, 1, 7, 39, 2**64 - 1):
        after, before = finish(store.find_next(filter, at)), store.load_previous(filter, at)
        assert (after.seq if after else None) == next((s for s in hit if s >= at), None)
        assert (before.seq if before else None) == next((s for s in hit[::-1] if s <= at), None)
    if up_to <= len(subjects):
        gone = [seq for seq in hit if seq < up_to or not up_to]
        gone = gone[: max(0, len(gone) - keep)]
        assert store.purge(filter, up_to, keep) == len(gone)
        assert [seq for seq, _ in store.oldest()] == [seq for seq in live if seq not in gone]


@pytest.mark.parametrize("filter", [b">", b"s.*"])
def test_a_walk_does_not_ask_all_subjects_for_each_message(
    filter: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    real = queries.Queries.bounds

    def counted(store: queries.Queries, filter: bytes) -> Work[tuple[int, int, int]]:
        nonlocal asked
        asked += 1
        return real(store, filter)

    monkeypatch.setattr(queries.Queries, "bounds", counted)
    count = 5 * queries.NEAR
    store = filled([b"s.%d" % at for at in range(count)])
    seq, seen = 1, 0
    while (message := finish(store.find_next(filter, seq))) is not None:
        seq, seen = message.seq + 1, seen + 1
    assert seen == count
    while (message := store.load_previous(filter, seq)) is not None:
        seq, seen = message.seq - 1, seen - 1
    assert seen == 0 and asked == 0
    assert store.purge(filter, 0, count - 3) == 3
    assert asked <= 2
