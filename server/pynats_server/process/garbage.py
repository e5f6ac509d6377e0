"""Python looks for garbage in circles without holding everybody up.

A full collection looks at every object that is not frozen, a quarter of a microsecond each: tens of
milliseconds with ten thousand consumers. So what survives one is frozen. Our long-lived objects are
in no circles when they end, and are freed without a collection.
"""

from __future__ import annotations

import gc
from typing import Final

SETTLED: Final = 10_000
"""Survivors that are worth freezing: what is frozen by mistake stays for good."""
THRESHOLDS: Final = (700, 10, 3)
"""Python's, but the last: a full collection comes before there is much to look at."""


def settle_down() -> None:
    """Has everything that exists now, and later everything that stays, looked at once. For a
    process that is a server and nothing else."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.callbacks.append(_collected)
    gc.enable()


def _collected(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == 2 and len(gc.get_objects(2)) >= SETTLED:
        gc.freeze()
