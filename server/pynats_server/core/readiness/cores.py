"""How many cores this process may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")
HIERARCHY = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Cores that this process may run on, or as many as its control group lets it keep busy."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:
        allowed = os.cpu_count() or 1
    quota = min(quotas(GROUPS, HIERARCHY), default=float(allowed))
    return max(1, min(allowed, int(quota)))


def quotas(groups: Path, hierarchy: Path) -> list[float]:
    """The limits, in cores, of the process's control group and of those it is in. None without."""
    found = []
    with contextlib.suppress(OSError):
        for line in groups.read_text().splitlines():
            controllers, path = line.split(":", 2)[1:]
            if not controllers:
                root = hierarchy
            elif "cpu" in controllers.split(","):
                root = hierarchy / "cpu"
            else:
                continue
            at = root / path.lstrip("/")
            # In a container the path may be that of the host: then only the root is there.
            for folder in (at, *at.parents):
                if folder.is_relative_to(root) and (quota := _quota(folder)) is not None:
                    found.append(quota)
    return found


def _quota(folder: Path) -> float | None:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = " ".join((folder / name).read_text() for name in names).split()
            if int(quota) > 0:  # else there is no limit; `max` is no number
                return int(quota) / int(period)
    return None
