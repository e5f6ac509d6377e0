"""Whether lists of subjects collide: the same as asking for every pair."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core import subject
from pynats_server.jetstream.config.rules import any_collide

subjects = st.lists(st.sampled_from(["a", "b", "*", ">", ""]), min_size=1, max_size=3).map(".".join)


@given(st.lists(subjects, max_size=4), st.lists(subjects, max_size=4))
def test_as_pair_by_pair(first: list[str], second: list[str]) -> None:
    pairs = [(one.encode(), other.encode()) for one in first for other in second]
    assert any_collide(first, iter(second)) == any(subject.overlaps(*pair) for pair in pairs)
