"""Whether other work on the machine disturbed a measurement: CPU time of everything, less our own
and the server's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

FOREIGN_MAX = 0.05  # a sample with more of the machine used by others is called disturbed
TICKS_SEEN_MIN = 50  # CPU time comes in ticks of 10 ms: with fewer of them a share says nothing


def machine_cpu_seconds() -> float:
    """CPU time spent on anything, all cores, stolen time included (10 ms steps).

    Interrupt time belongs here because tick accounting also puts it into process times. With
    IRQ_TIME_ACCOUNTING it does not: then the loopback's own work looks like other processes' work,
    and more samples count as disturbed.
    """
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, file.readline().split()[1:9]
        )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def process_cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all threads (10 ms steps). Raises OSError when it
    has ended."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Measures the CPU time of other processes since its creation."""

    def __init__(self) -> None:
        self._machine = machine_cpu_seconds()
        self._own = time.process_time()
        self._clock = time.monotonic()

    def foreign(self, server_seconds: float) -> float:
        """Share of all cores used by others; `server_seconds` is the server's own CPU time."""
        busy = machine_cpu_seconds() - self._machine
        ours = server_seconds + time.process_time() - self._own
        return min(max((busy - ours) / self._available(), 0.0), 1.0)

    def seen_enough(self) -> bool:
        """Whether it has run for so long that the share means something."""
        return self._available() * os.sysconf("SC_CLK_TCK") >= TICKS_SEEN_MIN

    def _available(self) -> float:
        return max(time.monotonic() - self._clock, 1e-6) * (os.cpu_count() or 1)


def is_disturbed(foreign: float | None) -> bool:
    """Whether others used so much of the machine that the sample proves nothing. None (nobody
    looked) is not."""
    return foreign is not None and foreign > FOREIGN_MAX


def disturbance(shares: Sequence[float | None], what: str) -> str:
    """How many of the samples were disturbed, in words; "" for none. `what` calls the samples."""
    known = [share for share in shares if share is not None]
    disturbed = [share for share in known if is_disturbed(share)]
    if not disturbed:
        return ""
    return (
        f"{len(disturbed)} of {len(known)} {what} were disturbed: other "
        f"processes used up to {max(disturbed):.0%} of the machine meanwhile"
    )
