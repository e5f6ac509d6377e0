"""What is known not to hold yet: for each promise why, and in which kinds of work. What holds now
fails the test, so that this list only gets shorter."""

from __future__ import annotations

KNOWN: dict[str, tuple[str, str]] = {
    "counters": (
        "limits in the background count wrong after a failure",
        "lower limits",
    ),
    "erased": (
        "an erase is acknowledged before the new form of a compressed block is written",
        "ages, all limits, compression, erase, erase in compacted blocks, publish",
    ),
    "error": (
        "other exceptions than StoreError",
        "truncate",
    ),
    "failed": (
        "StoreFailed from a store that has not failed",
        "lower limits, start after kill",
    ),
    "false-lost": (
        "removed messages are called lost",
        "index",
    ),
    "lost": (
        "a sequence is given out again, or a message is missing",
        "max messages, purge, snapshot",
    ),
    "memory": (
        "a refused batch, purge or removal is not taken back whole",
        "batch, compression, delete, everything, lower limits, per subject, publish, purge "
        "through, snapshot, sources, start after kill, truncate",
    ),
    "mixture": (
        "a part of an operation is kept",
        "compaction, compression, delete, erase, everything, index, lower limits, max bytes, "
        "max messages, mirror, one per subject, per subject, purge, rollup, sources",
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
        "batch, compaction, compression, delete, erase, erase in compacted blocks, max "
        "messages, purge, restore, sources",
    ),
}
"""By `Finding.code`."""
