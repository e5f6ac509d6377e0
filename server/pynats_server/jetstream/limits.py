"""What JetStream may use of this machine: configured, or a share of what there is."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pynats_server.options import JetStreamOptions

SHARE = 3, 4
MEMORY_IF_UNKNOWN = 256 << 20
DISK_IF_UNKNOWN = 1 << 40


@dataclass(frozen=True, slots=True)
class JetStreamLimits:
    """Sizes in bytes; -1 = unlimited."""

    max_memory: int
    max_file: int
    store_dir: Path


def default_store_dir() -> Path:
    """Where streams go when nobody says: lost with the temporary folder."""
    return Path(tempfile.gettempdir()) / "nats"


def resolve(options: JetStreamOptions) -> JetStreamLimits:
    """The limits in force."""
    store_dir = options.store_dir or default_store_dir() / "jetstream"
    return JetStreamLimits(
        options.max_memory if options.max_memory is not None else _share(_memory()),
        options.max_file if options.max_file is not None else _share(_free_disk(store_dir)),
        store_dir,
    )


def _share(whole: int) -> int:
    return whole // SHARE[1] * SHARE[0]


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return MEMORY_IF_UNKNOWN


def _free_disk(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        found = os.statvfs(folder)
    except OSError:
        return DISK_IF_UNKNOWN
    return found.f_bavail * found.f_frsize
