"""What is lost is named until it is acknowledged, found again, or passed by limits and purges."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.store.file.disk import Disk
from pynats_server.jetstream.store.inventory.losses import (
    BadLosses,
    Loss,
    Losses,
    read_losses,
    write_losses,
)
from pynats_server.jetstream.store.inventory.ranges import live_ranges, ranges_of, within, without
from pynats_server.jetstream.store.seqset import SequenceSet


def sample() -> Losses:
    return Losses(
        [
            Loss(1, 73, 1, "1.blk is missing", 5, 7300),
            Loss(80, 80, 2, "2.blk is damaged", 5, 100),
        ]
    )


def test_the_file_says_everything(tmp_path: Path) -> None:
    losses = sample()
    losses.acknowledge(10, 12, 99)
    write_losses(tmp_path, losses.encoded(), Disk())
    again = read_losses(tmp_path, Disk())
    assert again.all == losses.all
    assert list(again.sequences) == [*range(1, 10), *range(13, 74), 80]
    assert not again.unsaved


def test_no_file_is_no_loss_and_no_loss_is_no_file(tmp_path: Path) -> None:
    assert read_losses(tmp_path, Disk()).all == []
    write_losses(tmp_path, sample().encoded(), Disk())
    write_losses(tmp_path, Losses().encoded(), Disk())
    assert list(tmp_path.iterdir()) == []


def test_every_damaged_byte_of_the_file_is_noticed(tmp_path: Path) -> None:
    good = sample().encoded()
    for at in range(len(good) - 1):  # the last byte ends the line
        hurt = bytearray(good)
        hurt[at] ^= 1
        with pytest.raises(BadLosses):
            Losses.decoded(bytes(hurt))
        with pytest.raises(BadLosses):
            Losses.decoded(good[:at])


def test_a_loss_is_named_once() -> None:
    losses = sample()
    assert losses.add([Loss(70, 79, 1, "1.blk is missing", 6, 1000)]) == [
        Loss(74, 79, 1, "1.blk is missing", 6, 600)
    ]
    assert losses.unsaved
    assert losses.add([Loss(1, 80, 1, "1.blk is missing", 7)]) == []
    assert losses.told() == "lost 1-79 (1.blk is missing); lost 80 (2.blk is damaged)"
    assert losses.nbytes == 8000


def test_what_is_acknowledged_is_named_no_more_and_not_found_missing_again() -> None:
    losses = sample()
    assert losses.acknowledge(1, 79, 9) == [(1, 73)]
    assert losses.told() == "lost 80 (2.blk is damaged)"
    assert losses.add([Loss(1, 73, 1, "1.blk is missing", 10)]) == []
    assert not losses.doubts(1)
    assert losses.doubts(2)
    assert losses.has(73)
    assert losses.last_seq == 80


def test_what_is_found_again_is_lost_no_more() -> None:
    losses = sample()
    losses.acknowledge(1, 3, 9)
    assert losses.found([(2, 5), (70, 90)]) == [(4, 5), (70, 73), (80, 80)]
    assert list(losses.sequences) == list(range(6, 70))
    assert losses.has(1)
    assert not losses.has(2)


def test_limits_pass_losses() -> None:
    losses = sample()
    assert not losses.passed(0)
    assert losses.passed(73)
    assert list(losses.sequences) == [80]
    assert not losses.passed(79)


def test_a_floor_leaves_room_for_what_may_be_found_again() -> None:
    losses = sample()
    assert losses.floor(100, 0) == 0
    assert losses.floor(100, 20) == 20
    assert losses.floor(100, 73) == 79
    assert losses.floor(75, 73) == 75
    assert losses.floor(100, 80) == 100
    losses.acknowledge(1, 100, 9)
    assert losses.floor(100, 0) == 100


RANGES = st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda t: (t[0], t[0] + t[1]))


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "found", "acknowledge", "passed"]), RANGES), max_size=12
    )
)
def test_losses_are_a_set(steps: list[tuple[str, tuple[int, int]]]) -> None:
    losses = Losses()
    lost: set[int] = set()
    known: set[int] = set()
    for what, (first, last) in steps:
        these = set(range(first, last + 1))
        if what == "add":
            fresh = losses.add([Loss(first, last, 1, "gone")])
            assert {s for one in fresh for s in range(one.first, one.last + 1)} == these - known
            lost |= these - known
            known |= these
        elif what == "found":
            back = losses.found([(first, last)])
            assert {s for a, b in back for s in range(a, b + 1)} == these & lost
            lost -= these
            known -= these
        elif what == "acknowledge":
            told = losses.acknowledge(first, last, 7)
            assert {s for a, b in told for s in range(a, b + 1)} == these & lost
            lost -= these
        else:
            losses.passed(last)
            lost -= set(range(last + 1))
            known -= set(range(last + 1))
        assert set(losses.sequences) == lost
        assert {s for s in range(60) if losses.has(s)} == known
        assert not losses.all or Losses.decoded(losses.encoded()).all == losses.all


SETS = st.sets(st.integers(1, 30))


@given(SETS, SETS)
def test_ranges_are_sets(one: set[int], other: set[int]) -> None:
    def back(ranges: list[tuple[int, int]]) -> set[int]:
        assert all(a[1] + 1 < b[0] for a, b in pairwise(ranges))
        return {seq for first, last in ranges for seq in range(first, last + 1)}

    left, right = list(ranges_of(sorted(one))), list(ranges_of(sorted(other)))
    assert back(left) == one
    assert back(without(left, right)) == one - other
    assert back(within(left, right)) == one & other
    deleted = SequenceSet()
    for seq in other:
        deleted.add(seq)
    assert back(live_ranges(5, 20, deleted)) == set(range(5, 21)) - other
