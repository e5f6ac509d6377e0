"""What is known not to hold yet: for each promise why, and in which kinds of work. What holds now
fails the test, so that this list only gets shorter."""

from __future__ import annotations

KNOWN: dict[str, tuple[str, str]] = {
    "memory": (
        "a refused batch, purge or removal is not taken back whole",
        "lower limits, start after kill",
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
        "max messages",
    ),
}
"""By `Finding.code`."""
