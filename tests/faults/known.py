"""What is known not to hold yet: for each promise why, and in which kinds of work. What holds now
fails the test, so that this list only gets shorter."""

from __future__ import annotations

KNOWN: dict[str, tuple[str, str]] = {
    "back": (
        "compaction drops tombstones that nothing else covers",
        "one per subject, truncate",
    ),
    "counters": (
        "limits in the background count wrong after a failure",
        "lower limits",
    ),
    "endless": (
        "limits in the background never end after a failure",
        "lower limits",
    ),
    "erased": (
        "an erase is acknowledged before the new form of a compressed block is written",
        "ages, all limits, compression, erase, erase in compacted blocks",
    ),
    "error": (
        "other exceptions than StoreError",
        "restore",
    ),
    "failed": (
        "StoreFailed from a store that has not failed",
        "max bytes",
    ),
    "lost": (
        "a sequence is given out again, or a message is missing",
        "max messages, snapshot, start after kill",
    ),
    "memory": (
        "a refused batch, purge or removal is not taken back whole",
        "all limits, compaction, compression, erase, erase in compacted blocks, everything, "
        "lower limits, per subject, publish, purge, purge through, snapshot, sources, "
        "truncate",
    ),
    "mixture": (
        "a part of an operation is kept",
        "erase, everything, key change, max bytes, max messages, mirror, per subject, purge, "
        "rollup",
    ),
    "noise": (
        "recovery complains of files that are as they should be",
        "close, erase, erase in compacted blocks, everything, index, max bytes, one per "
        "subject, per subject, purge, purge through, restore, rollup, start after close, "
        "start after kill, truncate",
    ),
    "places": (
        "places",
        "key change",
    ),
    "refused": (
        "a removal refused for want of space is carried out all the same",
        "batch, delete, erase, erase in compacted blocks, index, max bytes, purge, purge "
        "through, start after kill, truncate",
    ),
}
"""By `Finding.code`."""
