"""A list of subscriptions can be gone through in steps, while it changes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.core.interest.listing import listed
from pynats_server.core.interest.sublist import Sublist
from pynats_server.core.interest.subscription import Subscription

TOKENS = st.sampled_from(["a", "b", "c", "*"])
SUBJECTS = st.tuples(st.lists(TOKENS, min_size=1, max_size=5), st.booleans()).map(
    lambda drawn: ".".join(drawn[0] + [">"] * drawn[1]).encode()
)
QUEUES = st.sampled_from([b"", b"", b"q", b"r"])


def steps(sublist: Sublist, most: int) -> list[list[Subscription]]:
    found, place = listed(sublist, (), most)
    made = [found]
    while place is not None:
        found, place = listed(sublist, place, most)
        made.append(found)
    return made


@given(st.lists(st.tuples(SUBJECTS, QUEUES), max_size=60), st.integers(1, 70))
def test_every_subscription_is_listed_once(entries: list[tuple[bytes, bytes]], most: int) -> None:
    sublist = Sublist()
    subs = [sublist.add(subject, queue) for subject, queue in entries]
    made = steps(sublist, most)
    all_of_them = [sub for part in made for sub in part]
    assert sorted(map(id, all_of_them)) == sorted(map(id, subs))


@given(
    st.lists(st.tuples(SUBJECTS, QUEUES), max_size=80),
    st.lists(st.tuples(SUBJECTS, QUEUES), max_size=80),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
)
def test_it_may_change_between_two_steps(
    entries: list[tuple[bytes, bytes]],
    later: list[tuple[bytes, bytes]],
    most: int,
    chance: random.Random,
) -> None:
    sublist = Sublist()
    subs = [sublist.add(subject, queue) for subject, queue in entries]
    known = set(subs)
    found, place = listed(sublist, (), most)
    for _ in range(1000):
        assert set(found) <= known
        if place is None:
            break
        for sub in chance.sample(subs, min(3, len(subs))):
            sublist.discard(sub)
            subs.remove(sub)
        for subject, queue in [later.pop() for _ in range(min(3, len(later)))]:
            subs.append(sublist.add(subject, queue))
            known.add(subs[-1])
        found, place = listed(sublist, place, most)
    else:
        pytest.fail("it does not end")


def test_a_step_is_bounded() -> None:
    sublist = Sublist()
    for number in range(3000):
        sublist.add(b"lit.%d" % number)
        sublist.add(b"wild.%d.*" % number)
    made = steps(sublist, 100)
    assert sum(map(len, made)) == 6000
    assert max(map(len, made)) <= 110
    for _ in range(200):  # of one subject all are in one step
        sublist.add(b"same")
    assert max(map(len, steps(sublist, 100))) <= 110 + 200


def test_places_that_are_empty_count() -> None:
    sublist = Sublist()
    subs = [sublist.add(b"many.%d" % number) for number in range(100_000)]
    for sub in subs[:-1]:
        sublist.discard(sub)
    made = steps(sublist, 100)
    assert [sub for part in made for sub in part] == subs[-1:]
    assert len(made) > 1
