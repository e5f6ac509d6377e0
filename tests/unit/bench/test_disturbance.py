"""What others used of the machine during a measurement."""

from __future__ import annotations

import os

import pytest
from pynats_bench.judging import disturbance
from pynats_bench.judging.disturbance import (
    FOREIGN_MAX,
    Watch,
    is_disturbed,
    machine_cpu_seconds,
    process_cpu_seconds,
)


class Clocks:
    """The three clocks that a watch reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cores: int = 4) -> None:
        self.machine = self.own = self.wall = 100.0
        monkeypatch.setattr(disturbance, "machine_cpu_seconds", lambda: self.machine)
        monkeypatch.setattr(disturbance.time, "process_time", lambda: self.own)
        monkeypatch.setattr(disturbance.time, "monotonic", lambda: self.wall)
        monkeypatch.setattr(disturbance.os, "cpu_count", lambda: cores)


def test_a_watch_takes_away_what_was_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    watch = Watch()
    assert not watch.seen_enough()
    clocks.machine += 5.0
    clocks.own += 1.5
    clocks.wall += 2.0
    assert watch.seen_enough()
    assert watch.foreign(server_seconds=2.5) == pytest.approx(1.0 / 8)
    assert watch.foreign(server_seconds=9.0) == 0.0


def test_a_short_watch_has_seen_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch, cores=1)
    watch = Watch()
    clocks.wall += 0.49
    assert not watch.seen_enough()
    clocks.wall += 0.02
    assert watch.seen_enough()


def test_what_counts_as_disturbed() -> None:
    assert not is_disturbed(None)
    assert not is_disturbed(FOREIGN_MAX)
    assert is_disturbed(FOREIGN_MAX + 0.001)


def test_the_words_count_only_what_was_looked_at() -> None:
    assert disturbance.disturbance([None, 0.01, 0.02], "rounds") == ""
    assert disturbance.disturbance([None, 0.01, 0.25, 0.5], "rounds") == (
        "2 of 3 rounds were disturbed: other processes used up to 50% of the machine meanwhile"
    )


def test_the_clocks_of_the_machine_and_of_a_process() -> None:
    own, machine = process_cpu_seconds(os.getpid()), machine_cpu_seconds()
    assert 0 < own <= machine
    with pytest.raises(OSError):
        process_cpu_seconds(2**22 + 1)
