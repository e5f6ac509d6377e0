"""Two contenders in turn."""

from __future__ import annotations

import pytest
from pynats_bench.judging.contest import Figures, Round, Run, judge, turns


def run(rate: float, foreign: float | None = 0.0, p50: int | None = None) -> Run:
    return Run((Figures(rate, 1_000, 1_000 / rate, p50, p50, p50),), foreign)


def rate(run: Run) -> float:
    return run.loads[0].rate


def p50(run: Run) -> float | None:
    return run.loads[0].p50


def played(*pairs: tuple[Run, Run]) -> list[Round]:
    return [Round(number, (0, 1), {0: pair[0], 1: pair[1]}) for number, pair in enumerate(pairs, 1)]


def test_turns_are_a_b_b_a_with_warm_ups_first() -> None:
    found = [(current.number, side) for current, side in turns(3, 1)]
    assert found == [(0, 0), (0, 1), (1, 1), (1, 0), (2, 0), (2, 1), (3, 1), (3, 0)]


def test_both_turns_of_a_round_are_in_one() -> None:
    rounds = [current for current, _ in turns(2, 0)]
    assert rounds[0] is rounds[1]
    assert rounds[1] is not rounds[2]
    assert not rounds[0].complete
    rounds[0].runs |= {0: run(1.0), 1: run(2.0)}
    assert rounds[0].complete


def test_a_steady_drift_does_not_count() -> None:
    rounds, clock = [], 100.0
    for current, side in turns(8, 0):
        current.runs[side] = run(clock)  # both are equally fast, and ever faster
        clock += 1
        if current.complete:
            rounds.append(current)
    ratio = judge(rounds, rate).ratio
    assert ratio is not None and ratio.low is not None and ratio.high is not None
    assert ratio.value == pytest.approx(1.0, abs=0.001)
    assert ratio.low < 1 < ratio.high


def test_medians_spreads_and_the_ratio() -> None:
    judged = judge(
        played((run(200.0, p50=30), run(100.0)), (run(220.0, p50=10), run(100.0)),
               (run(180.0), run(100.0))),
        rate,
    )  # fmt: skip
    assert judged.medians == (200.0, 100.0)
    assert judged.spreads == (pytest.approx(0.2), 0.0)
    assert judged.ratio is not None
    assert judged.ratio.value == pytest.approx(1.99330, abs=1e-4)
    assert judged.quiet is None


def test_only_what_both_have_makes_a_pair() -> None:
    rounds = played((run(1.0, p50=30), run(1.0)), (run(1.0, p50=20), run(1.0, p50=10)))
    judged = judge(rounds, p50)
    assert judged.medians == (25.0, 10.0)
    assert judged.ratio is not None
    assert (judged.ratio.value, judged.ratio.pairs) == (pytest.approx(2.0), 1)
    assert judge(rounds, lambda _: None).ratio is None


def test_warm_ups_and_half_a_round_do_not_count() -> None:
    rounds = played((run(3.0), run(1.0)), (run(9.0), run(1.0)), (run(9.0), run(1.0)))
    rounds[1].number = 0
    del rounds[2].runs[1]
    judged = judge(rounds, rate)
    assert judged.medians == (3.0, 1.0)
    assert judge([], rate).medians == (None, None)


def test_disturbed_rounds_are_told_apart() -> None:
    rounds = played(
        (run(100.0), run(100.0)), (run(50.0, foreign=0.4), run(100.0)),
        (run(100.0), run(100.0)), (run(100.0, foreign=None), run(100.0, foreign=None)),
    )  # fmt: skip
    assert [each.disturbed for each in rounds] == [False, True, False, False]
    assert [each.foreign for each in rounds] == [0.0, 0.4, 0.0, None]
    judged = judge(rounds, rate)
    assert judged.ratio is not None and judged.quiet is not None
    assert judged.ratio.value == pytest.approx(0.5 ** (1 / 4))
    assert (judged.quiet.value, judged.quiet.pairs) == (1.0, 2)
