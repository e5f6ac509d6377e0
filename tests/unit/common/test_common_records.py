"""Data classes that are made with less work are those of `dataclasses`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import field
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common import records

Make = Callable[..., Any]

KINDS = [
    {}, {"slots": True}, {"frozen": True}, {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "kw_only": True}, {"eq": False}, {"repr": False},
]  # fmt: skip


@cache
def classes(make: Make, **how: Any) -> tuple[type, ...]:
    """The same classes by the decorator of either module."""

    @make(**how)
    class Pair:
        a: Any = 0
        b: Any = 0
        unseen: Any = field(default=0, compare=False, repr=False)
        unhashed: Any = field(default=0, hash=False)

    @make(**how)
    class More(Pair):
        c: Any = 1

    @make(**how)
    class One:
        a: Any = 0

    @make(**how)
    class Empty:
        pass

    @make(**how)
    class Own:
        a: Any = 0

        def __eq__(self, other: object) -> bool:
            return True

        def __repr__(self) -> str:
            return "own"

    @make(**how)
    class Hashed:
        a: Any = 0

        def __hash__(self) -> int:
            return 7

    return Pair, More, One, Empty, Own, Hashed


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        return type(error), str(error)


values = st.integers(0, 2) | st.just(float("nan")) | st.lists(st.integers(0, 1), max_size=2)


@pytest.mark.parametrize("how", KINDS, ids=str)
@given(first=st.lists(values, max_size=3), second=st.lists(values, max_size=3))
def test_it_is_the_same(how: dict[str, bool], first: list[Any], second: list[Any]) -> None:
    for real, ours in zip(
        classes(dataclasses.dataclass, **how), classes(records.dataclass, **how), strict=True
    ):
        names = [each.name for each in dataclasses.fields(real)]
        assert names == [each.name for each in dataclasses.fields(ours)]
        sides = []
        for kind in (real, ours):
            one = kind(**dict(zip(names, first, strict=False)))
            two = kind(**dict(zip(names, second, strict=False)))
            same = kind(**dict(zip(names, first, strict=False)))
            shows = kind.__repr__ is not object.__repr__
            hashes = kind.__hash__ is not object.__hash__
            sides.append((
                one == two, one != two, one == same, one == 1, one == object(),
                repr(one) if shows else "", outcome(lambda it=one: hash(it)) if hashes else "",
                outcome(lambda it=one: setattr(it, "a", 5)),
                dataclasses.asdict(dataclasses.replace(two)) == dataclasses.asdict(two),
            ))  # fmt: skip
        assert sides[0] == sides[1]


def test_whoever_holds_itself_is_shown() -> None:
    @records.dataclass
    class Node:
        next: Any = None

    node = Node()
    node.next = node
    assert repr(node).endswith("Node(next=...)")


def test_others_are_not_equal() -> None:
    pair, more, *_ = classes(records.dataclass)
    assert pair() != more()
    assert pair() == pair()
