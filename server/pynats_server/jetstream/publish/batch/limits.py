"""How many batches may be open at once, when the configuration says nothing (`limits.batch`
in docs/reference/configuration.md), and the count of those of all streams."""

from __future__ import annotations

from dataclasses import dataclass

ATOMIC_PER_STREAM, ATOMIC_TOTAL = 50, 1000
FAST_PER_STREAM, FAST_TOTAL = 1000, 50_000
TIMEOUT_S = 10.0  # until a batch that nobody continues ends


@dataclass(slots=True)
class BatchCount:
    """How many batches of one kind are open in all streams of the server, and the limit."""

    limit: int
    open: int = 0
