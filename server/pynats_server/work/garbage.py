"""Python looks for garbage in circles without holding everybody up.

A full collection looks at every object that is not frozen, a quarter of a microsecond each: tens of
milliseconds with ten thousand consumers. So what survives one is frozen. Our long-lived objects are
in no circles when they end, and are freed without a collection.

What is freed counts against what is made. So work that replaces much, such as thousands of
imports, has Python wait for its first look until a hundred thousand new objects have come together,
and then look at all of them in one go: such work says now and then that it has `replaced` some.
"""

from __future__ import annotations

import gc
from typing import Final

SETTLED: Final = 10_000
"""Survivors that are worth freezing: what is frozen by mistake stays for good."""
THRESHOLDS: Final = (700, 10, 3)
"""Python's, but the last: a full collection comes before there is much to look at."""


_settled = False


def settle_down() -> None:
    """Has everything that exists now, and later everything that stays, looked at once. For a
    process that is a server and nothing else."""
    global _settled
    _settled = True
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.callbacks.append(_collected)
    gc.enable()


def replaced() -> None:
    """A few thousand objects were made, and as many freed. Nothing happens in a process that is
    more than a server: there is too much to look at."""
    if _settled:
        gc.collect()


def _collected(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == 2 and len(gc.get_objects(2)) >= SETTLED:
        gc.freeze()
