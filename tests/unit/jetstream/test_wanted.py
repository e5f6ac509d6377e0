"""What mirrors and sources want of their origins, with thousands of filters and transforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.config.model import StreamSource
from pynats_server.jetstream.config.model import SubjectTransform as Asked
from pynats_server.jetstream.store import MemoryConfig, Store, open_store
from pynats_server.jetstream.store.search.queries import SCAN
from pynats_server.jetstream.stream.copying.wanted import FEW, PREPARED, Wanted
from pynats_server.jetstream.stream.host import Neighbours
from pynats_server.subjects.transform import SubjectTransform
from pynats_server.work import Work, finish

TOKENS = st.sampled_from(["a", "b", "c", "*"])
PATTERNS = st.lists(TOKENS, min_size=1, max_size=3).map(".".join)
SUBJECTS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(".".join)


def steps(work: Work[Any]) -> int:
    """How often it rests."""
    return sum(1 for _ in iter_of(work))


def iter_of(work: Work[Any]) -> Iterator[None]:
    yield from work


@pytest.fixture
def store() -> Iterator[Store]:
    made = open_store(MemoryConfig("O"))
    yield made
    made.close()


def source(*transforms: tuple[str, str], filter: str = "") -> StreamSource:
    return StreamSource(
        name="O",
        filter_subject=filter,
        subject_transforms=[Asked(src=s, dest=d) for s, d in transforms],
    )


@given(sources=st.lists(PATTERNS, min_size=1, max_size=3 * FEW), subject=SUBJECTS)
def test_many_transforms_say_what_the_first_that_matches_says(
    sources: list[str], subject: str
) -> None:
    pairs = [(pattern, f"to.{place}") for place, pattern in enumerate(sources)]
    wanted = Wanted(source(*pairs))
    finish(wanted.prepare())
    made = (SubjectTransform.compile(*pair).apply(subject.encode()) for pair in pairs)
    expected = next((each for each in made if each is not None), subject.encode())
    assert wanted.subject(subject.encode()) == expected


@given(sources=st.lists(PATTERNS, max_size=12), subjects=st.lists(SUBJECTS, max_size=20))
def test_what_is_found_is_what_one_of_the_filters_covers(
    sources: list[str], subjects: list[str]
) -> None:
    store = open_store(MemoryConfig("O"))
    wanted = Wanted(source(*((pattern, "to") for pattern in sources)))
    for subject in subjects:
        store.append(subject.encode(), None, b"", 1)
    singles = [SubjectTransform.compile(pattern, "to") for pattern in sources]
    covered = [
        seq
        for seq, subject in enumerate(subjects, 1)
        if not singles or any(each.apply(subject.encode()) for each in singles)
    ]
    found, at = [], 1
    while (message := finish(wanted.find(store, at))) is not None:
        found.append(message.seq)
        at = message.seq + 1
    assert found == covered
    for start in range(1, len(subjects) + 2):
        assert finish(wanted.count(store, start)) == len([s for s in covered if s >= start])
    store.close()


def test_transforms_are_read_some_in_a_step() -> None:
    wanted = Wanted(source(*((f"a{n}.*", f"b{n}.$1") for n in range(3000))))
    assert steps(wanted.prepare()) >= 3000 // PREPARED - 1
    assert steps(wanted.prepare()) == 0
    assert wanted.subject(b"a2999.x") == b"b2999.x"


def test_a_search_for_what_is_rare_rests(store: Store) -> None:
    for _ in range(3 * SCAN):
        store.append(b"often", None, b"", 1)
    wanted = Wanted(source(*((f"rare{n}", "to") for n in range(2 * FEW))))
    assert steps(wanted.find(store, 1)) >= 2
    store.append(b"rare7", None, b"", 1)
    message = finish(wanted.find(store, 1))
    assert message is not None and message.seq == 3 * SCAN + 1


def test_only_the_followers_of_a_stream_are_told_of_it() -> None:
    told: list[str] = []
    neighbours = Neighbours(lambda _: None)
    calls = {name: (lambda name=name: told.append(name)) for name in ("A", "B", "C")}
    for name, call in calls.items():
        neighbours.join("O" if name != "C" else "P", call)
    neighbours.changed("O")
    assert told == ["A", "B"]
    neighbours.leave("O", calls["A"])
    neighbours.leave("O", calls["A"])
    neighbours.changed("nobody's")
    neighbours.all_changed()
    assert told == ["A", "B", "B", "C"]
