"""Samples of a run over time."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pynats_bench.clients import timeline
from pynats_bench.clients.histogram import Histogram
from pynats_bench.clients.timeline import EVERY_S, LATENCIES_MAX, SAMPLES_MAX, Rate, Sampler

from tests.support.deadline import wait_until


@dataclass
class Counters:
    """What a run has counted, for a sampler to look at."""

    messages: list[int]
    taken: list[int] | None = None
    looks: int = field(default=0)
    span: tuple[float, float] = (0.0, 0.0)  # in seconds

    def progress(self) -> list[int]:
        self.looks += 1
        return list(self.messages)

    def span_ns(self) -> tuple[int, int]:
        return int(self.span[0] * 1e9), int(self.span[1] * 1e9)

    def latency_so_far(self) -> Histogram | None:
        if self.taken is None:
            return None
        if not self.taken:
            return Histogram()
        squares = sum(value * value for value in self.taken)
        counts = dict(Counter(self.taken))  # values below 256 have a cell each
        return Histogram(min(self.taken), max(self.taken), sum(self.taken), squares, counts)


def test_rates_are_of_each_interval() -> None:
    run = Counters([0, 0], span=(10.0, 12.0))
    sampler = Sampler(run)
    for now, messages in ((10.0, [0, 0]), (10.5, [100, 50]), (11.0, [100, 150])):
        run.messages = messages
        sampler.look(now)
    run.messages = [400, 450]
    sampler.finish(12.0)
    line = sampler.timeline()
    assert (line.clients, line.spent) == (2, 2.0)
    assert line.rates == [
        Rate(0.5, 300.0, 100.0, 200.0),
        Rate(1.0, 200.0, 0.0, 200.0),
        Rate(2.0, 600.0, 300.0, 300.0),
    ]
    assert line.latencies == []


def test_only_the_time_from_the_first_message_to_the_last_is_shown() -> None:
    run = Counters([0], span=(2.5, 5.25))
    sampler = Sampler(run)
    for now, messages in enumerate([0, 0, 0, 5, 5, 10, 12, 12]):
        run.messages = [messages]
        sampler.look(float(now))
    line = sampler.timeline()
    assert line.spent == 2.75
    assert [(rate.seconds, rate.total) for rate in line.rates] == [
        (0.5, 10.0), (1.5, 0.0), (2.5, 5.0), (2.75, 8.0),
    ]  # fmt: skip


def test_nothing_done_is_an_empty_timeline() -> None:
    sampler = Sampler(Counters([0, 0, 0]))
    assert sampler.timeline().clients == 0
    sampler.look(1.0)
    sampler.finish(2.0)
    assert sampler.timeline() == timeline.Timeline(3)


def test_no_sample_comes_earlier_than_it_is_due() -> None:
    run = Counters([0])
    sampler = Sampler(run)
    for step in range(100):
        sampler.look(step * EVERY_S / 5)
    assert run.looks == 20


def test_a_moment_at_the_end_has_no_rate_of_its_own() -> None:
    run = Counters([0], span=(1.0, 2.000_001))
    sampler = Sampler(run)
    sampler.look(1.0)
    run.messages = [700]
    sampler.look(1.5)
    run.messages = [1_000]
    sampler.look(2.0)
    run.messages = [1_100]
    sampler.finish(2.1)
    assert [round(rate.total) for rate in sampler.timeline().rates] == [1_400, 800]


def test_latencies_are_of_each_interval() -> None:
    run = Counters([0], [], span=(1.0, 3.0))
    sampler = Sampler(run)
    sampler.look(1.0)
    run.messages, run.taken = [3], [10, 10, 20]
    sampler.look(2.0)
    run.messages, run.taken = [7], [10, 10, 20, 100, 100, 200, 200]
    sampler.finish(3.0)
    first, second = sampler.timeline().latencies
    assert (first.seconds, first.count, first.p50, first.max) == (1.0, 3, 10, 20)
    assert (second.seconds, second.count, second.p50, second.p99) == (2.0, 4, 100, 200)
    assert second.max == 200


@given(st.lists(st.integers(0, 1_000), min_size=2, max_size=40), st.floats(0, 1), st.floats(0, 1))
@example([1, 0], 1.0, 0.0)
def test_every_message_is_in_one_interval(steps: list[int], early: float, late: float) -> None:
    run = Counters([0], span=(1.0 + early, len(steps) + late + 1.0))
    sampler = Sampler(run)
    sampler.look(1.0)
    for now, step in enumerate(steps, 2):
        run.messages[0] += step
        sampler.look(float(now))
    sampler.finish(len(steps) + 3.0)
    line, before, seen = sampler.timeline(), 0.0, 0.0
    for rate in line.rates:
        seen += rate.total * (rate.seconds - before)
        before = rate.seconds
    assert before == pytest.approx(line.spent)
    assert seen == pytest.approx(run.messages[0], abs=1e-3)


def test_a_long_run_is_remembered_in_bounded_memory() -> None:
    run = Counters([0], [1], span=(100.0, 100.0 + 40_000 * EVERY_S))
    sampler = Sampler(run)
    for step in range(40_001):
        run.messages = [step * 7]
        sampler.look(100.0 + step * EVERY_S)
    sampler.finish(100.0 + 40_000 * EVERY_S)
    line = sampler.timeline()
    assert SAMPLES_MAX / 3 < len(line.rates) <= SAMPLES_MAX
    assert len(line.latencies) <= LATENCIES_MAX
    assert {round(rate.total) for rate in line.rates} == {140}
    json.dumps(line.to_json())


def test_a_thread_looks_while_the_run_runs() -> None:
    run = Counters([0])
    began = time.monotonic()
    with Sampler(run) as sampler:
        run.messages = [1]
        wait_until(lambda: run.looks >= 3, "samples")
        run.messages = [2]
    run.span = (began, time.monotonic())
    assert sampler.timeline().rates
