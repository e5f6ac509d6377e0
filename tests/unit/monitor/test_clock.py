"""Monotonic times shown as wall clock times."""

from __future__ import annotations

import time

from pynats_server.monitor.connz import WallClock


def test_the_same_moment_is_always_shown_the_same() -> None:
    clock = WallClock()
    moment = time.monotonic_ns()
    assert clock.at(moment) == clock.at(moment)
    assert abs(clock.at(moment) - time.time()) < 5
