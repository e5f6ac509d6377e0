"""Figures of benchmarks that nobody has run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynats_bench.clients.histogram import STEPS, Histogram
from pynats_bench.clients.model import Share
from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.options import BenchOptions
from pynats_cli.commands.bench.results import Outcome

SECOND = 1_000_000_000


def histogram(*values: int) -> Histogram:
    """Of values that its cells count exactly."""
    assert all(0 <= value < 2 * STEPS for value in values)
    cells = {value: values.count(value) for value in values}
    return Histogram(
        min(values), max(values), sum(values), sum(value**2 for value in values), cells
    )


def share(
    number: int,
    messages: int,
    seconds: float,
    *,
    begins: float = 100.0,
    operations: Sequence[int] = (),
    deliveries: Sequence[int] = (),
) -> Share:
    """What a client has done with messages of 128 bytes."""
    return Share(
        number,
        messages,
        messages,
        messages * 128,
        int(begins * SECOND),
        int((begins + seconds) * SECOND),
        histogram(*operations) if operations else None,
        histogram(*deliveries) if deliveries else None,
    )


def outcome(kind: plan.Kind, *shares: Share, **more: Any) -> Outcome:
    """How a benchmark ended."""
    options = BenchOptions(clients=len(shares), msgs=max(sum(s.messages for s in shares), 1))
    return Outcome(plan.Plan.of(kind, options, subject="foo"), "RUN", list(shares), **more)
