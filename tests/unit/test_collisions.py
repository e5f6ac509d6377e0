"""Overlaps among many patterns: the answers of comparing every pair, in far fewer steps."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core import subject
from pynats_server.subjects import collisions
from pynats_server.subjects.collisions import PatternIndex, any_overlap, first_overlap, some_nested
from pynats_server.work import finish

TOKENS = st.sampled_from(["a", "b", "*", ">", ""])
PATTERNS = st.lists(TOKENS, min_size=1, max_size=4).map(".".join)
LISTS = st.lists(PATTERNS, max_size=12)
FEW = st.sampled_from([1, 3, 32])  # with 1 every form is looked up by keys


def encoded(patterns: list[str]) -> list[bytes]:
    return [pattern.encode() for pattern in patterns]


@pytest.fixture(autouse=True)
def _rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collisions, "STEPS", 2)
    monkeypatch.setattr(collisions, "PAIRS", 3)


def steps(work: Generator[None, None, object]) -> int:
    return sum(1 for _ in work)


@given(LISTS, FEW)
def test_the_first_pair_is_the_one_that_comparing_all_finds(patterns: list[str], few: int) -> None:
    given = encoded(patterns)
    pairs = [
        (at, later)
        for at, one in enumerate(given)
        for later, other in enumerate(given)
        if at < later and (one == other or subject.overlaps(one, other))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collisions, "FEW", few)
        assert finish(first_overlap(given)) == min(pairs, default=None)


@given(LISTS, FEW)
def test_covered_patterns_are_those_that_comparing_all_finds(patterns: list[str], few: int) -> None:
    given = encoded(patterns)
    expected = any(
        subject.covers(one, other)
        for at, one in enumerate(given)
        for place, other in enumerate(given)
        if at != place
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collisions, "FEW", few)
        assert finish(some_nested(given)) == expected


@given(LISTS, LISTS)
def test_two_lists_overlap_where_a_pair_does(some: list[str], others: list[str]) -> None:
    expected = any(subject.overlaps(a, b) for a in encoded(some) for b in encoded(others))
    assert finish(any_overlap(encoded(some), others)) == expected


OWNERS = st.sampled_from(["x", "y", "z"])
CHANGES = st.lists(st.tuples(st.booleans(), st.lists(PATTERNS, max_size=4), OWNERS), max_size=12)


@given(CHANGES, st.lists(PATTERNS, min_size=1, max_size=4), OWNERS)
def test_an_index_knows_what_others_have(
    changes: list[tuple[bool, list[str], str]], asked: list[str], owner: str
) -> None:
    index, model = PatternIndex(), list[tuple[str, str]]()
    for adds, patterns, whose in changes:
        if adds:
            index.add(patterns, whose)
            model += [(pattern, whose) for pattern in patterns]
        else:
            held = [pattern for pattern in patterns if (pattern, whose) in model]
            held = list(dict.fromkeys(held))
            index.discard(held, whose)
            for pattern in held:
                model.remove((pattern, whose))
    expected = any(
        whose != owner and subject.overlaps(one, pattern.encode())
        for one in encoded(asked)
        for pattern, whose in model
    )
    assert finish(index.overlaps(encoded(asked), owner)) == expected
    for pattern, whose in model:
        index.discard([pattern], whose)
    assert not finish(index.overlaps([b">", b""], "nobody"))


@pytest.mark.parametrize(
    "pattern", ["y%d.*", "*.y%d", "y%d.>", "y%d", "*.y%d.>", "a.b.*.y%d", "a.*.y%d.*.c"]
)
def test_twice_the_patterns_take_twice_the_steps(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collisions, "STEPS", 1)
    monkeypatch.setattr(collisions, "PAIRS", 1)

    def steps_for(count: int) -> int:
        patterns = [pattern % each for each in range(count)] + ["other.one", "the.*.other.>"]
        index = PatternIndex()
        index.add(patterns, "x")
        return (
            steps(first_overlap(encoded(patterns)))
            + steps(some_nested(encoded(patterns)))
            + steps(index.overlaps(encoded(patterns), "x"))
        )

    assert steps_for(400) < 2.2 * steps_for(200)


def test_no_slice_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two rests at most so many patterns or pairs are looked at."""
    monkeypatch.setattr(collisions, "STEPS", 10)
    monkeypatch.setattr(collisions, "PAIRS", 10)
    patterns = [f"y{each}.*" for each in range(1000)]
    assert steps(first_overlap(encoded(patterns))) >= 100
    assert steps(some_nested(encoded(patterns))) >= 100
