"""The words of the head: the original's, and rates over time where there is room."""

from __future__ import annotations

import textwrap

from pynats_top.collect.poller import Poller
from pynats_top.model.rows import Look
from pynats_top.screen.widgets.head import HeadLine
from pynats_top.screen.widgets.paint import cells, plain
from pynats_top.text import head

_SPARK = 60
_ID, _FLOW, _SERIES = 2, 4, {4: "in_msgs", 5: "out_msgs"}


def heading(poller: Poller, place: str, raw: bool, columns: int, compact: bool) -> list[HeadLine]:
    """What stands above the table. `place`: which of several servers this is; a compact one has
    no line for the ID."""
    error = plain(poller.error)
    if poller.snapshot is None:
        first = f"NATS server {plain(poller.label)}"
        more = [] if fits(first, error, columns) else textwrap.wrap(error, max(columns - 2, 1))
        return [HeadLine(first, error or "..."), *(HeadLine(f"  {line}") for line in more)]
    server = poller.snapshot.server
    version, uptime = plain(server.version), plain(server.uptime)
    texts = [f"NATS server version {version} (uptime: {uptime})"]
    texts += map(plain, head(poller.snapshot, Look(raw=raw))[1:])
    texts[1] += place
    if max(map(cells, texts[_FLOW:])) > columns:
        texts[_FLOW:] = [text.replace("Msgs/Sec", "M/s").replace("Bytes/Sec", "B/s")
                         for text in texts[_FLOW:]]  # fmt: skip
    lines = [
        HeadLine(text, error if number == 0 else "", _rates(poller, number))
        for number, text in enumerate(texts)
    ]
    if compact:
        del lines[_ID]
    return lines


def rest_of(poller: Poller, first: HeadLine, columns: int) -> str:
    """The error of a server that was there before, where the first line has no room for it."""
    if poller.snapshot is None or fits(first.text, first.warning, columns):
        return ""
    return first.warning


def fits(text: str, warning: str, columns: int) -> bool:
    """Whether both have room in a line."""
    return cells(text) + 1 + cells(warning) <= columns


def _rates(poller: Poller, number: int) -> tuple[float, ...]:
    series = _SERIES.get(number)
    return tuple(poller.history.last(series, _SPARK)) if series else ()
