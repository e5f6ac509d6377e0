"""Staying awake for the next event: tried where it may pay, and given up soon where it does not."""

from __future__ import annotations

import pytest
from pynats_server.core.readiness.patience import AWAKE_NS, Patience

WORTH_NS = 60_000  # asleep, from a turn to the next event: what a client and two wake-ups take
SOON_NS = 20_000  # the same, awake
NEED = 16


def waking(patience: Patience, gap_ns: int = WORTH_NS) -> int:
    """How many gaps it takes until it stays awake."""
    for count in range(1, 100_000):
        patience.slept(gap_ns)
        if patience.awake:
            return count
    raise AssertionError("it never stays awake")


def vain(patience: Patience) -> int:
    """How many watches in vain it takes until it sleeps again."""
    for count in range(1, 100):
        patience.in_vain()
        if not patience.awake:
            return count
    raise AssertionError("it never gives up")


def test_it_stays_awake_after_a_number_of_gaps_that_are_worth_it() -> None:
    assert waking(Patience(AWAKE_NS)) == NEED


@pytest.mark.parametrize(
    "gap_ns", [pytest.param(5_000, id="no wake-up to save"), pytest.param(1_000_000, id="too long")]
)
def test_other_gaps_are_slept_through(gap_ns: int) -> None:
    patience = Patience(AWAKE_NS)
    for _ in range(100_000):
        patience.slept(gap_ns)
    assert not patience.awake


def test_a_mixture_of_gaps_is_slept_through() -> None:
    patience = Patience(AWAKE_NS)
    for _ in range(10_000):
        patience.slept(WORTH_NS)
        patience.slept(1_000_000)
    assert not patience.awake


def test_watches_in_vain_end_it_and_it_is_tried_more_rarely_then() -> None:
    patience = Patience(AWAKE_NS)
    needed = []
    for _ in range(7):
        needed.append(waking(patience))
        assert vain(patience) == 8
    assert needed == [16, 64, 256, 1024, 4096, 4096, 4096]


def test_events_in_time_make_up_for_watches_in_vain() -> None:
    patience = Patience(AWAKE_NS)
    waking(patience)
    for _ in range(1000):
        patience.in_vain()
        patience.slept(WORTH_NS * 2)
        patience.watched(SOON_NS)
        patience.watched(SOON_NS)
    assert patience.awake


def test_it_gives_up_where_it_makes_nothing_faster() -> None:
    patience = Patience(AWAKE_NS)
    waking(patience)
    for _ in range(NEED):
        assert patience.awake
        patience.watched(WORTH_NS * 4 // 5)
    assert not patience.awake
    assert waking(patience) == 64


def test_sleeping_is_tried_again_now_and_then() -> None:
    patience = Patience(AWAKE_NS)
    vain_once = waking(patience) and vain(patience)
    assert vain_once and waking(patience) == 64
    events = 0
    while patience.awake:
        patience.watched(SOON_NS)
        events += 1
    assert events == 8192
    assert waking(patience) == NEED  # it had paid


def test_it_never_stays_awake_where_that_is_not_permitted() -> None:
    patience = Patience()
    for _ in range(100_000):
        patience.slept(WORTH_NS)
    assert not patience.awake
