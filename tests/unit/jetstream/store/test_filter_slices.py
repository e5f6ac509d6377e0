"""Sets of many filters are built in small steps, and are what they are when built at once."""

from __future__ import annotations

import random

import pytest
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.work import finish

from tests.support.steploop import steps

MOST = 256  # filters in a step


def many(count: int) -> list[bytes]:
    filters = [b"s.%d.%d" % (number % 97, number) for number in range(count)]
    filters += [b"t.*.%d.>" % number for number in range(count // 10)]
    random.Random(1).shuffle(filters)
    return filters


@pytest.mark.parametrize("count", [1, 255, 256, 257, 5000])
def test_a_set_built_in_steps_covers_what_one_built_at_once_covers(count: int) -> None:
    filters = many(count)
    taken, made = steps(FilterSet.building(iter(filters + filters[:7])))
    whole = FilterSet(filters)
    assert len(made) == len(whole)
    assert (made.every, made.literal) == (whole.every, whole.literal)
    assert made.texts_from(0, len(made)) == whole.texts_from(0, len(whole))
    for number in range(0, count, max(1, count // 50)):
        for subject in (b"s.%d.%d" % (number % 97, number), b"s.1.x", b"t.z.%d.q" % number):
            assert made.matches(subject) == whole.matches(subject)
    assert taken > 3 * (len(filters) // MOST)


def test_no_filters_are_every_message() -> None:
    assert finish(FilterSet.building([])).every


def test_the_digest_is_of_the_filters_alone() -> None:
    filters = many(700)
    digest = finish(finish(FilterSet.building(filters)).digest())
    assert digest == finish(FilterSet(reversed(filters)).digest())
    assert digest != finish(FilterSet(filters[:-1]).digest())
