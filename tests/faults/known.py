"""What is known not to hold yet: for each promise why, and in which kinds of work. What holds now
fails the test, so that this list only gets shorter."""

from __future__ import annotations

KNOWN: dict[str, tuple[str, str]] = {
    "back": (
        "compaction drops tombstones that nothing else covers",
        "all limits, snapshot",
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
        "ages, erase, erase in compacted blocks, index, snapshot",
    ),
    "error": (
        "other exceptions than StoreError",
        "compaction, compression, one per subject, restore, truncate",
    ),
    "failed": (
        "StoreFailed from a store that has not failed",
        "per subject",
    ),
    "false-lost": (
        "removed messages are called lost",
        "erase",
    ),
    "memory": (
        "a refused batch, purge or removal is not taken back whole",
        "ages, all limits, batch, compaction, compression, delete, everything, index, lower "
        "limits, max bytes, max messages, per subject, publish, purge, purge through, rollup, "
        "snapshot, sources, start after close, start after kill, truncate",
    ),
    "noise": (
        "recovery complains of files that are as they should be",
        "close, compression, erase, everything, index, max bytes, max messages, one per "
        "subject, per subject, publish, purge, purge through, rollup, snapshot, sources, "
        "start after close",
    ),
    "refused": (
        "a removal refused for want of space is carried out all the same",
        "ages, all limits, batch, compaction, compression, delete, erase, erase in compacted "
        "blocks, everything, index, key change, lower limits, max bytes, max messages, "
        "mirror, one per subject, per subject, publish, purge, purge through, rollup, "
        "snapshot, sources, start after close, start after kill, truncate",
    ),
    "stuck": (
        "a full disk during an erase, or behind a commit, stops the store",
        "erase, erase in compacted blocks, everything, key change, per subject, truncate",
    ),
}
"""By `Finding.code`."""
