"""What JetStream may use of this machine: configured, or a share of what there is."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from pynats_server.machine.memory import usable_memory
from pynats_server.options import JetStreamOptions

SHARE = 3, 4
DISK_IF_UNKNOWN = 1 << 40


@dataclass(frozen=True, slots=True)
class JetStreamLimits:
    """Sizes in bytes; -1 = unlimited."""

    max_memory: int
    max_file: int
    store_dir: Path


def resolve(options: JetStreamOptions, store_dir: Path) -> JetStreamLimits:
    """The limits in force for a server whose files are in `store_dir`."""
    return JetStreamLimits(
        options.max_memory if options.max_memory is not None else _share(usable_memory()),
        options.max_file if options.max_file is not None else _share(_free_disk(store_dir)),
        store_dir,
    )


def _share(whole: int) -> int:
    return whole // SHARE[1] * SHARE[0]


def _free_disk(folder: Path) -> int:
    """Bytes of the disk that nobody else uses. What the streams already hold counts as free;
    otherwise a restart could set the limit below what they hold and refuse every message."""
    held = _held(folder / "jetstream")
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        found = os.statvfs(folder)
    except OSError:
        return DISK_IF_UNKNOWN
    return found.f_bavail * found.f_frsize + held


def _held(folder: Path) -> int:
    """Bytes on the disk of a folder's files; unreadable ones count as zero."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # deleted meanwhile
                total += os.lstat(f"{parent}/{name}").st_blocks * 512
    return total
