"""Where in a recording a poller is, and where keys lead."""

from __future__ import annotations

from pynats_top.collect.poller import Poller
from pynats_top.collect.replay import ReplaySource

SLOWEST, FASTEST = 0.125, 64.0


def place_text(poller: Poller) -> str:
    """`poll 3 of 120, x2, `; nothing for a live server."""
    place = poller.place
    if place is None or not isinstance(poller.source, ReplaySource):
        return ""
    speed = "" if poller.source.speed == 1 else f" x{poller.source.speed:g}"
    return f"poll {place[0] + 1} of {place[1]}{speed} "


def stepped(poller: Poller, step: int) -> int:
    """The place of the poll so many polls on."""
    return poller.place[0] + step if poller.place else 0


def skipped(poller: Poller, seconds: float) -> int:
    """The place of the first poll that is at least so many seconds away; else the last one, or the
    first."""
    source = poller.source
    if not isinstance(source, ReplaySource):
        return 0
    step = 1 if seconds > 0 else -1
    place = max(source.place, 0)
    begin = source.times[place]
    while 0 <= place + step < len(source.times):
        place += step
        if abs(source.times[place] - begin) >= abs(seconds):
            break
    return place


def change_speed(poller: Poller, factor: float) -> None:
    """So many times as fast from the next poll on."""
    if isinstance(poller.source, ReplaySource):
        poller.source.speed = min(max(poller.source.speed * factor, SLOWEST), FASTEST)
