"""What JetStream may use of this machine: configured, or a share of what there is."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from pynats_server.core.readiness.control_groups import GROUPS, HIERARCHY, folders
from pynats_server.options import JetStreamOptions

SHARE = 3, 4
MEMORY_IF_UNKNOWN = 256 << 20
DISK_IF_UNKNOWN = 1 << 40
# Version 2: where the kernel begins to slow the processes down, and where it ends one; version 1.
MEMORY_FILES = ("memory.high", "memory.max", "memory.limit_in_bytes")


@dataclass(frozen=True, slots=True)
class JetStreamLimits:
    """Sizes in bytes; -1 = unlimited."""

    max_memory: int
    max_file: int
    store_dir: Path


def resolve(options: JetStreamOptions, store_dir: Path) -> JetStreamLimits:
    """The limits in force for a server whose files are in `store_dir`."""
    return JetStreamLimits(
        options.max_memory if options.max_memory is not None else _share(_memory()),
        options.max_file if options.max_file is not None else _share(_free_disk(store_dir)),
        store_dir,
    )


def _share(whole: int) -> int:
    return whole // SHARE[1] * SHARE[0]


def _memory() -> int:
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return MEMORY_IF_UNKNOWN
    return min([machine, *memory_limits()])


def memory_limits(groups: Path = GROUPS, hierarchy: Path = HIERARCHY) -> list[int]:
    """What the process's control group and those it is in allow, in bytes. None without."""
    found: list[int] = []
    for folder in folders("memory", groups, hierarchy):
        for name in MEMORY_FILES:
            with contextlib.suppress(OSError):  # not this version, or no such controller
                text = (folder / name).read_text().strip()
                if text.isdecimal():  # "max" = no limit
                    found.append(int(text))
    return found


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
