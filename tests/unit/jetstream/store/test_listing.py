"""The index is listed in steps while the stream changes, and is true of the moment it began."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynats_common.varints import Reader
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.search.listing import SubjectListing
from pynats_server.jetstream.store.search.queries import WALK
from pynats_server.work import Work

from tests.support.fuzzing import examples

MANY = 5000


def entries(listing: SubjectListing) -> dict[bytes, list[int]]:
    """{subject: messages and blocks} of a listing."""
    data = b"".join(listing.parts)
    reader, found = Reader(data, 0), {}
    for _ in range(reader.uvarint()):
        subject = bytes(reader.take(reader.uvarint()))
        found[subject] = [reader.uvarint() for _ in range(3)]
    assert reader.at == len(data)
    return found


changes = st.lists(
    st.tuples(st.sampled_from(["append", "remove"]), st.integers(0, 30)), max_size=40
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes, st.integers(1, 9))
def test_a_listing_says_what_was_there_when_it_began(
    tmp_path: Path, events: list[tuple[str, int]], step: int
) -> None:
    store = FileStore(FileConfig("S", tmp_path / "S", block_size=300))
    store.purge()
    first = store.last_seq + 1
    for at in range(20):
        store.append(b"s.%d." % (at * 7 % 12), None, b"", at)
    whole = SubjectListing(store.tree, store.blocks)
    while whole.step(1000):
        pass
    assert not whole.broken
    listing = store.listing = SubjectListing(store.tree, store.blocks)
    todo = iter(events)
    while listing.step(step):
        for kind, number in (next(todo, ("", 0)), next(todo, ("", 0))):
            if kind == "append":
                store.append(b"s.%d." % number, None, b"", 50)
            elif kind == "remove":
                store.remove(first + number)
    assert not listing.broken
    assert entries(listing) == entries(whole)
    store.listing = None
    store.close()


@pytest.mark.parametrize("change", ["nothing", "publish", "purge", "roll up", "retire"])
def test_an_index_saved_in_steps_opens_to_what_the_blocks_hold(tmp_path: Path, change: str) -> None:
    config = FileConfig("S", tmp_path, block_size=20_000)
    store = FileStore(config)
    for at in range(MANY):
        store.append(b"s.%d" % at, None, b"", at + 1)
    under_way: list[Work[None]] = []
    store.background = under_way.append
    store.save_index()
    assert len(under_way) == 1
    count = 0
    for _ in under_way[0]:
        count += 1
        if count != 3:
            continue
        if change == "publish":
            for at in range(0, MANY, 9):
                store.append(b"s.%d" % at, None, b"new", MANY + at)
                store.remove(at + 5)
            store.append(b"s.another", None, b"", 2 * MANY)
        elif change == "purge":
            store.purge()
        elif change == "roll up":
            store.append(b"all", None, b"", MANY + 1)
            store.keep_last()
        elif change == "retire":
            store.retire_index()
    if change in ("nothing", "publish"):
        assert count >= 2 * MANY // WALK
    store.flush()
    store.committer.drain()
    index = tmp_path / "msgs" / "index.db"
    assert index.exists() == (change in ("nothing", "publish"))
    expected = store.subject_states(b">")
    killed = FileStore(config)
    assert killed.subject_states(b">") == expected
    assert killed.msgs == store.msgs
    assert not killed.problems
    store.close()
    again = FileStore(config)
    assert again.subject_states(b">") == expected
    again.close()
