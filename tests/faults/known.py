"""What is known not to hold yet: for each promise why, and in which kinds of work. What holds now
fails the test, so that this list only gets shorter."""

from __future__ import annotations

KNOWN: dict[str, tuple[str, str]] = {
    "counters": (
        "limits in the background count wrong after a failure",
        "lower limits",
    ),
    "failed": (
        "StoreFailed from a store that has not failed",
        "lower limits, start after kill",
    ),
    "false-lost": (
        "removed messages are called lost",
        "erase",
    ),
    "memory": (
        "a refused batch, purge or removal is not taken back whole",
        "batch, everything, lower limits, sources, start after kill, truncate",
    ),
    "mixture": (
        "a part of an operation is kept",
        "batch, one per subject",
    ),
    "noise": (
        "recovery complains of files that are as they should be",
        "one per subject",
    ),
    "places": (
        "places",
        "key change, max messages",
    ),
    "refused": (
        "a removal refused for want of space is carried out all the same",
        "batch, restore",
    ),
}
"""By `Finding.code`."""
