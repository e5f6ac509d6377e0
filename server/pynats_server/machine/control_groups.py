"""The control groups that this process is in: what limits a container, a service, a session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")
HIERARCHY = Path("/sys/fs/cgroup")


def folders(controller: str, groups: Path = GROUPS, hierarchy: Path = HIERARCHY) -> Iterator[Path]:
    """Folders of the process's own group and of those it is in, of both versions; which files are
    in them, is for the caller to find out."""
    with contextlib.suppress(OSError):
        for line in groups.read_text().splitlines():
            controllers, path = line.split(":", 2)[1:]
            if not controllers:
                root = hierarchy
            elif controller in controllers.split(","):
                root = hierarchy / controller
            else:
                continue
            at = root / path.lstrip("/")
            # In a container the path may be that of the host: then only the root is there.
            for folder in (at, *at.parents):
                if folder.is_relative_to(root):
                    yield folder
