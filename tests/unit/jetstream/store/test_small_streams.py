"""A stream with few subjects costs little; one with many finds them as fast as ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.store.memory import MemoryStore
from pynats_server.jetstream.store.subjects import SubjectTree

KIB = 1024


def test_a_stream_of_one_message_takes_a_few_kib() -> None:
    store = MemoryStore("S")
    store.append(b"s", None, b"x", 1)
    blocks = sum(block.memory_bytes for block in store.blocks)
    assert store.tree.memory_bytes + blocks <= 8 * KIB


@pytest.mark.parametrize(("subjects", "most"), [(0, KIB), (8, 4 * KIB), (100, 64 * KIB)])
def test_the_tree_grows_with_its_subjects(subjects: int, most: int) -> None:
    tree = SubjectTree()
    for number in range(subjects):
        tree.set(b"s.%d" % number, 1, number, number)
    assert tree.memory_bytes <= most


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=60), st.integers(1, 1200))
def test_subjects_are_found_while_it_grows(changes: list[tuple[bool, int]], filled: int) -> None:
    tree, model = SubjectTree(), dict[bytes, int]()

    def put(number: int) -> None:
        subject = b"s.%d" % number
        tree.set(subject, number + 1, number, number)
        model[subject] = number + 1
        assert tree.find(subject) == (number + 1, number, number)

    for number in range(filled):
        put(number)
    for adds, number in changes:
        if adds:
            put(number)
        else:
            assert tree.delete(b"s.%d" % number) == (model.pop(b"s.%d" % number, None) is not None)
            assert tree.find(b"s.%d" % number) is None
    assert len(tree) == len(model)
    assert all(tree.find(subject) is not None for subject in model)
