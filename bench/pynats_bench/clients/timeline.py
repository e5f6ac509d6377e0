"""What a run did over time: samples of its counters, taken beside it.

`Sampler` looks every 50 ms, from a thread of its own, at counters that the loops keep anyway. It
remembers a bounded number of samples: when there are too many it forgets every other one and looks
half as often, so that a run of a day costs no more than one of a minute.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from pynats_bench.clients.histogram import Histogram

EVERY_S = 0.05
LATENCY_EVERY_S = 0.1  # histograms are larger than counters
SAMPLES_MAX = 512
LATENCIES_MAX = 128
LOAD_MAX = 0.05  # of a core, for looking

Value = TypeVar("Value")


class Sampled(Protocol):
    """What can be looked at while it runs: a `Bench`."""

    def progress(self) -> list[int]: ...
    def latency_so_far(self) -> Histogram | None: ...
    def span_ns(self) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages a second in the time that ends at `seconds`: of all clients together, and of the
    slowest and the fastest client."""

    seconds: float
    total: float
    slowest: float
    fastest: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Nanoseconds of the operations, or deliveries, that ended in the time that ends at
    `seconds`."""

    seconds: float
    count: int
    p50: int
    p90: int
    p99: int
    max: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run over time. Seconds count from the first message; `spent` is the whole."""

    clients: int
    spent: float = 0.0
    rates: list[Rate] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The document; each rate and latency is of the time that ends at its `seconds`."""
        return {
            "clients": self.clients,
            "seconds": self.spent,
            "messages_per_second": [dataclasses.asdict(rate) for rate in self.rates],
            "latency_ns": [dataclasses.asdict(latency) for latency in self.latencies],
        }


@dataclass(slots=True)
class _Kept(Generic[Value]):
    """Samples with their times, a bounded number of them."""

    every_s: float
    most: int
    samples: list[tuple[float, Value]] = field(default_factory=list)

    def due(self, now: float) -> bool:
        # A sample that comes a little early is none that is missing.
        return not self.samples or now - self.samples[-1][0] >= 0.9 * self.every_s

    def add(self, now: float, value: Value) -> None:
        self.samples.append((now, value))
        if len(self.samples) > self.most:
            del self.samples[-2:0:-2]
            self.every_s *= 2

    def within(self, first: float, last: float) -> list[tuple[float, Value]]:
        """The samples of a run, the last one before it and the first one after it: as if taken at
        its beginning and at its end."""
        found: list[tuple[float, Value]] = []
        for taken, value in self.samples:
            at = min(max(taken, first), last)
            if found and at <= found[-1][0]:
                if taken == first:  # it has the first message, and what it began with is known
                    continue
                found.pop()
            found.append((at, value))
        # What came just before the end goes: rates of moments are noise.
        if len(found) > 2 and found[-1][0] - found[-2][0] < self.every_s / 2:
            del found[-2]
        return found


class Sampler:
    """A context manager around a run; afterwards `timeline` tells what it did."""

    def __init__(self, bench: Sampled) -> None:
        self._bench = bench
        self._counts: _Kept[list[int]] = _Kept(EVERY_S, SAMPLES_MAX)
        self._latencies: _Kept[Histogram] = _Kept(LATENCY_EVERY_S, LATENCIES_MAX)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self.look(time.monotonic())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self.finish(time.monotonic())

    def look(self, now: float) -> None:
        """One sample of what is due."""
        if self._counts.due(now):
            self._counts.add(now, self._bench.progress())
        if self._latencies.due(now) and (latency := self._bench.latency_so_far()) is not None:
            self._latencies.add(now, latency)

    def finish(self, now: float) -> None:
        """The last sample."""
        self._counts.add(now, self._bench.progress())
        if (latency := self._bench.latency_so_far()) is not None:
            self._latencies.add(now, latency)

    def timeline(self) -> Timeline:
        """What was seen so far, from the first message to the last (publishers: to the server's
        word that it has them)."""
        first, last = (at / 1e9 for at in self._bench.span_ns())
        clients = len(self._counts.samples[-1][1]) if self._counts.samples else 0
        if last <= first:
            return Timeline(clients)
        counts = self._counts.within(first, last)
        return Timeline(
            clients,
            last - first,
            [_rate(before, after, first) for before, after in pairwise(counts)],
            _latencies(self._latencies.within(first, last), first),
        )

    def _sample(self) -> None:
        pause = EVERY_S
        while not self._stopped.wait(pause):
            began = time.monotonic()
            self.look(began)
            pause = max(EVERY_S, (time.monotonic() - began) / LOAD_MAX)


def _rate(before: tuple[float, list[int]], after: tuple[float, list[int]], zero: float) -> Rate:
    span = max(after[0] - before[0], 1e-9)
    shares = [(now - then) / span for then, now in zip(before[1], after[1], strict=True)]
    return Rate(after[0] - zero, sum(shares), min(shares), max(shares))


def _latencies(samples: list[tuple[float, Histogram]], zero: float) -> list[Latency]:
    found = []
    for (_, before), (now, after) in pairwise(samples):
        between = after.since(before)
        if between.count:
            p50, p90, p99 = (between.quantile(fraction) for fraction in (0.5, 0.9, 0.99))
            found.append(Latency(now - zero, between.count, p50, p90, p99, between.maximum))
    return found
