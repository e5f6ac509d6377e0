"""How many cores this process may use."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pynats_server.machine.control_groups import GROUPS, HIERARCHY, folders


def usable_cores() -> int:
    """Cores that this process may run on, or as many as its control group lets it keep busy."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:
        allowed = os.cpu_count() or 1
    quota = min(quotas(), default=float(allowed))
    return max(1, min(allowed, int(quota)))


def quotas(groups: Path = GROUPS, hierarchy: Path = HIERARCHY) -> list[float]:
    """The limits, in cores, of the process's control group and of those it is in. None without."""
    found = map(_quota, folders("cpu", groups, hierarchy))
    return [quota for quota in found if quota is not None]


def _quota(folder: Path) -> float | None:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = " ".join((folder / name).read_text() for name in names).split()
            if int(quota) > 0:  # else there is no limit; `max` is no number
                return int(quota) / int(period)
    return None
