"""Calls at a time of day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

WAIT_MAX_S = 86400.0


def call_at_time(when: float, call: Callable[..., object], *args: object) -> asyncio.TimerHandle:
    """Calls when the clock says `when` (seconds since 1970), at once if it has passed; after a day
    at the latest. A clock may be set meanwhile: who is called looks at it, and waits again if it is
    too early."""
    wait_s = min(max(0.0, when - time.time()), WAIT_MAX_S)
    return asyncio.get_running_loop().call_later(wait_s, call, *args)
