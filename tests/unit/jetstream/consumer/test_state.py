"""The state of a consumer: what it keeps, and for how long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pynats_server.jetstream.consumer.delivery.state import ConsumerState
from pynats_server.jetstream.store.format.consumer_state import (
    check_consumer_state,
    decode_consumer_state,
    encode_consumer_state,
    forget_spent,
)

MIB = 1 << 20


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def spent_behind_the_floor(*, kept: bool) -> ConsumerState:
    """Message 1 is out of deliveries, 2 and 3 are acknowledged."""
    state = ConsumerState("explicit")
    state.keeps_spent = kept
    for seq in (1, 2, 3):
        state.apply_delivered(seq, seq, 2 if seq == 1 else 1, 0)
    state.apply_spent(1)
    for seq in (2, 3):
        state.apply_acked(seq, seq)
    assert (state.floor_consumer, state.floor_stream) == (3, 3)
    return state


def kept(state: ConsumerState) -> list[int]:
    return [entry[0] for entry in state.entries_from()]


def test_one_old_message_keeps_no_places_for_all_that_come_later() -> None:
    state = ConsumerState("explicit")
    state.apply_delivered(1, 1, 1, 0)
    state.apply_delivered(2, 2, 1, 0)
    before = resident()
    for seq in range(3, 1_000_000):
        state.apply_delivered(seq, seq, 1, 0)
        state.apply_acked(seq - 1, seq - 1)
    assert resident() - before < 8 * MIB
    assert kept(state) == [1, 999_999]
    assert state.open == 2


@pytest.mark.parametrize("retains", [False, True])
def test_what_is_spent_stays_behind_the_floor_where_a_stream_keeps_it(retains: bool) -> None:
    state = spent_behind_the_floor(kept=retains)
    assert kept(state) == ([1] if retains else [])
    assert not state.apply_acked(1, 1)  # it was not waited for
    assert kept(state) == []
    assert (state.floor_consumer, state.floor_stream) == (3, 3)


def test_what_is_spent_is_saved_with_the_state() -> None:
    state = spent_behind_the_floor(kept=True)
    data = state.encode(0)
    saved = decode_consumer_state(data)
    check_consumer_state(saved)
    assert saved.redelivered == {1: 2}
    assert encode_consumer_state(saved, 0) == data
    again = ConsumerState("explicit")
    again.keeps_spent = True
    again.restore(saved)
    assert kept(again) == [1]
    assert again.floor_stream == 3


def test_a_message_at_the_floor_may_be_spent() -> None:
    state = ConsumerState("explicit")
    state.keeps_spent = True
    for seq in (1, 2):
        state.apply_delivered(seq, seq, 1, 0)
    state.apply_spent(2)
    state.apply_acked(1, 1)
    assert state.floor_stream == 2
    assert decode_consumer_state(state.encode(0)).redelivered == {2: 1}


def test_a_purge_takes_what_is_spent_behind_the_floor() -> None:
    state = spent_behind_the_floor(kept=True)
    state.purged(2)
    assert kept(state) == []
    assert (state.floor_consumer, state.floor_stream) == (3, 3)


def test_only_what_is_kept_matters_after_a_restart() -> None:
    for keeps, wanted in ((lambda seq: seq == 1, {1: 2}), (lambda seq: False, {})):
        saved = decode_consumer_state(spent_behind_the_floor(kept=True).encode(0))
        forget_spent(saved, keeps)
        assert saved.redelivered == wanted


def test_a_purge_that_leaves_nothing_open_moves_both_floors_to_the_end() -> None:
    state = ConsumerState("all")
    state.apply_delivered(1, 1, 1, 0)
    state.apply_delivered(2, 1, 2, 1)  # again
    state.apply_acked(1, 1)  # by its first delivery
    assert (state.floor_consumer, state.floor_stream) == (1, 1)
    state.purged(2)
    assert (state.floor_consumer, state.floor_stream) == (2, 1)
