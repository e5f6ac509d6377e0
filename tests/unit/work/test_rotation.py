"""Rotation: nobody waits for more than one turn of each other group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.work import Rotation

members = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40, unique=True
)


@given(members)
def test_everybody_who_waits_gets_one_turn(waiting: list[tuple[int, int]]) -> None:
    rotation: Rotation[int, tuple[int, int]] = Rotation()
    for group, member in waiting:
        rotation.add(group, (group, member))
        rotation.add(group, (group, member))  # it keeps its place
    taken = [rotation.next()[1] for _ in range(len(rotation))]
    assert sorted(taken) == sorted(waiting)
    assert len(rotation) == 0
    with pytest.raises(IndexError):
        rotation.next()


@given(members)
def test_a_group_has_its_turn_before_any_other_has_two(waiting: list[tuple[int, int]]) -> None:
    rotation: Rotation[int, tuple[int, int]] = Rotation()
    for group, member in waiting:
        rotation.add(group, (group, member))
    left = {group: sum(g == group for g, _ in waiting) for group, _ in waiting}
    since: dict[int, set[int]] = {group: set() for group in left}  # groups served meanwhile
    while len(rotation):
        group, _ = rotation.next()
        for other, served in since.items():
            if other != group and left[other]:
                assert group not in served, f"{group} had two turns while {other} waited"
                served.add(group)
        since[group] = set()
        left[group] -= 1


@given(members)
def test_the_members_of_a_group_keep_their_order(waiting: list[tuple[int, int]]) -> None:
    rotation: Rotation[int, tuple[int, int]] = Rotation()
    for group, member in waiting:
        rotation.add(group, (group, member))
    taken = [rotation.next()[1] for _ in range(len(rotation))]
    for group in {group for group, _ in waiting}:
        assert [m for m in taken if m[0] == group] == [m for m in waiting if m[0] == group]


@given(members, st.data())
def test_who_is_taken_out_has_no_turn(waiting: list[tuple[int, int]], data: st.DataObject) -> None:
    rotation: Rotation[int, tuple[int, int]] = Rotation()
    for group, member in waiting:
        rotation.add(group, (group, member))
    out = data.draw(st.sets(st.sampled_from(waiting)))
    for group, member in out:
        rotation.discard(group, (group, member))
        rotation.discard(group, (group, member))
    assert len(rotation) == len(waiting) - len(out)
    taken = {rotation.next()[1] for _ in range(len(rotation))}
    assert taken == set(waiting) - out
