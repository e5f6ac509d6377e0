"""Several loads at once."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

import pytest
from pynats_bench.clients import together
from pynats_bench.clients.histogram import Histogram
from pynats_bench.clients.model import Share
from pynats_bench.clients.together import Together, figures_of
from pynats_bench.judging.contest import Figures
from pynats_bench.judging.serverprocess import Place, ServerProcess
from pynats_bench.model import LoadError

HIDDEN = ServerProcess(Place.HIDDEN)
PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "LEFT_BEHIND_S", 0.05)
    monkeypatch.setattr(together, "LOOK_EVERY_S", 0.001)


@dataclass
class Load:
    """A load that does its messages and waits until it may end."""

    wanted: int
    messages: int
    may_end: threading.Event = field(default_factory=threading.Event)
    stopped: bool = False
    error: str = ""

    def run(self) -> None:
        assert self.may_end.wait(PATIENCE_S)
        if self.error:
            raise LoadError(self.error)

    def stop(self) -> None:
        self.stopped = True
        self.may_end.set()

    def progress(self) -> list[int]:
        return [self.messages]

    def shares(self) -> list[Share]:
        return [Share(1, self.wanted, self.messages, 0, 1_000, 1_001_000)]


def ended(messages: int, error: str = "") -> Load:
    load = Load(messages, messages, error=error)
    load.may_end.set()
    return load


def test_the_measured_load_comes_first() -> None:
    run = Together([ended(100), ended(50)], HIDDEN).run()
    assert run is not None
    assert [load.messages for load in run.loads] == [100, 50]
    assert run.loads[0].rate == pytest.approx(100_000)
    assert (run.foreign, run.server_us) == (None, None)


def test_endless_loads_are_stopped_when_the_measured_one_has_ended() -> None:
    service = Load(0, 7)
    assert Together([ended(100), service], HIDDEN).run() is not None
    assert service.stopped


def test_a_load_that_gets_no_more_is_waited_for_only_a_while() -> None:
    subscriber = Load(100, 99)
    run = Together([ended(100), subscriber], HIDDEN).run()
    assert run is not None
    assert run.loads[1].messages == 99


def test_a_measured_load_that_is_left_behind_is_an_error() -> None:
    with pytest.raises(LoadError, match="had 99 of 1,000 messages when the others had ended"):
        Together([Load(1_000, 99), ended(1_000)], HIDDEN).run()


def test_a_measured_load_without_end_ends_with_the_others() -> None:
    run = Together([Load(0, 99), ended(99)], HIDDEN).run()
    assert run is not None
    assert [load.messages for load in run.loads] == [99, 99]


@pytest.mark.parametrize("place", [0, 1])
def test_a_failure_of_any_ends_all(place: int) -> None:
    loads = [Load(0, 1), Load(0, 1)]
    loads[place] = ended(5, error="client 1: Authorization Violation")
    with pytest.raises(LoadError, match="Authorization Violation"):
        Together(loads, HIDDEN).run()
    assert loads[1 - place].stopped


def test_it_can_be_stopped() -> None:
    load = Load(0, 5)
    both = Together([load], HIDDEN)
    thread = threading.Timer(0.01, both.stop)
    thread.start()
    assert both.run() is None
    assert load.stopped
    thread.join()


def test_a_load_that_does_nothing_is_an_error() -> None:
    with pytest.raises(LoadError, match="did nothing"):
        Together([ended(0)], HIDDEN).run()


class Seen(ServerProcess):
    """A server that uses a second between two looks."""

    def cpu_seconds(self) -> float | None:
        looks.append(1)
        return float(len(looks))


looks: list[int] = []


def test_what_the_server_and_others_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Watch:
        enough = True

        def foreign(self, server_seconds: float) -> float:
            return 0.25 if server_seconds == 1.0 else 0.5

        def seen_enough(self) -> bool:
            return self.enough

    monkeypatch.setattr(together, "Watch", Watch)
    run = Together([ended(1_000)], Seen(Place.SEEN, 1)).run()
    assert run is not None
    assert (run.foreign, run.server_us) == (0.25, 1_000.0)
    run = Together([ended(1_000)], ServerProcess(Place.REMOTE)).run()
    assert run is not None
    assert (run.foreign, run.server_us) == (0.5, None)
    monkeypatch.setattr(Watch, "enough", False)
    run = Together([ended(1_000)], Seen(Place.SEEN, 1)).run()
    assert run is not None
    assert (run.foreign, run.server_us) == (None, None)


def histogram(*values: int) -> Histogram:
    squares = sum(value * value for value in values)
    return Histogram(min(values), max(values), sum(values), squares, dict(Counter(values)))


def test_clients_are_taken_together() -> None:
    shares = [
        Share(1, 10, 10, 0, 1_000_000, 3_000_000, histogram(10, 20)),
        Share(2, 10, 30, 0, 2_000_000, 5_000_000, histogram(30, 200)),
        Share(3, 10),
    ]
    assert figures_of(shares) == Figures(10_000.0, 40, 0.004, 20, 200, 200)
    shares = [Share(1, 0, 1, 0, 1, 1_001, None, histogram(70))]
    assert figures_of(shares).p50 == 70
    assert figures_of([Share(1, 10)]) == Figures(0.0, 0, 0.0)
