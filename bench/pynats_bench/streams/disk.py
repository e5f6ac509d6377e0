"""The limit of the disk: appends one block of records, calls fdatasync, and repeats.

A server that acknowledges only durable messages cannot exceed the rate for its number of messages
per fdatasync.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

WINDOWS = (1, 64, 256)
RECORD_OVERHEAD_BYTES = 32  # approximate header and checksum of a stored message, in both servers


def group_commit_rate(folder: Path, payload_bytes: int, window: int, seconds: float) -> float:
    """Durable records a second when `window` of them share one fdatasync; at least one sync."""
    block = b"x" * ((payload_bytes + RECORD_OVERHEAD_BYTES) * window)
    syncs = 0
    with tempfile.NamedTemporaryFile(dir=folder, buffering=0) as file:
        started = time.monotonic()
        while not syncs or time.monotonic() - started < seconds:
            if file.write(block) != len(block):
                raise OSError(f"{folder}: short write")
            os.fdatasync(file.fileno())
            syncs += 1
        took = time.monotonic() - started
    return syncs * window / took


def group_commit_rates(folder: Path, payload_bytes: int, seconds: float) -> tuple[float, ...]:
    """The rate for each of WINDOWS, `seconds` in all."""
    share = seconds / len(WINDOWS)
    return tuple(group_commit_rate(folder, payload_bytes, window, share) for window in WINDOWS)
