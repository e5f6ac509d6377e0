"""How much memory this process may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pynats_server.machine.control_groups import GROUPS, HIERARCHY, folders

IF_UNKNOWN = 256 << 20
# Version 2: where the kernel begins to slow the processes down, and where it ends one; version 1.
FILES = ("memory.high", "memory.max", "memory.limit_in_bytes")


def usable_memory() -> int:
    """Bytes that the machine has, or as many as the process's control group lets it use."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return IF_UNKNOWN
    return min([machine, *limits()])


def limits(groups: Path = GROUPS, hierarchy: Path = HIERARCHY) -> list[int]:
    """What the process's control group and those it is in allow, in bytes. None without."""
    found: list[int] = []
    for folder in folders("memory", groups, hierarchy):
        for name in FILES:
            with contextlib.suppress(OSError):  # not this version, or no such controller
                text = (folder / name).read_text().strip()
                if text.isdecimal():  # "max" = no limit
                    found.append(int(text))
    return found
