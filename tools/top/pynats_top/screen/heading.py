"""The words of the head: the original's, and rates over time where there is room."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from pynats_top.collect.poller import Poller
from pynats_top.model.figures import Snapshot
from pynats_top.model.rows import Look
from pynats_top.screen.widgets.head import HeadLine
from pynats_top.screen.widgets.paint import cells, plain
from pynats_top.text import flow, head

_SPARK = 60
_ID, _LOAD, _FLOW, _SERIES = 2, 3, 4, {4: "in_msgs", 5: "out_msgs"}
# Of what goes in and out: the room that figures have, so that nothing moves when one grows, and
# the labels; without one a figure gives way.
_ROOM = (6, 7, 8, 7)
_LABELS = (
    ("Msgs:", "Bytes:", "Msgs/Sec:", "Bytes/Sec:"),
    ("Msgs:", "Bytes:", "M/s:", "B/s:"),
    ("M:", "B:", "M/s:", "B/s:"),
    ("", "", "M/s:", "B/s:"),
)


def heading(poller: Poller, place: str, raw: bool, columns: int, compact: bool) -> list[HeadLine]:
    """What stands above the table. `place`: which of several servers this is; a compact one has
    no line for the ID."""
    error = plain(poller.error)
    if poller.snapshot is None:
        lines = _unknown(f"NATS server {plain(poller.label)}", error or "...", columns)
        # What is below stays where it is when the server answers.
        height = _FLOW + 2 - compact
        return [*lines, *[HeadLine("")] * height][: max(height, len(lines))]
    server = poller.snapshot.server
    version, uptime = plain(server.version), plain(server.uptime)
    texts = [f"NATS server version {version} (uptime: {uptime})"]
    texts += map(plain, head(poller.snapshot, Look(raw=raw))[1:_FLOW])
    texts[1] += place
    texts += _flows(poller.snapshot, raw, columns)
    lines = [
        HeadLine(text, error if number == 0 else "", rates=_rates(poller, number))
        for number, text in enumerate(texts)
    ]
    if server.slow_consumers:
        lines[_LOAD] = replace(lines[_LOAD], marked=f"Slow Consumers: {server.slow_consumers}")
    if compact:
        del lines[_ID]
    return lines


def _unknown(first: str, error: str, columns: int) -> list[HeadLine]:
    """A server that has never answered."""
    if fits(first, error, columns):
        return [HeadLine(first, error)]
    wrapped = textwrap.wrap(error, max(columns - 2, 1))
    return [HeadLine(first), *(HeadLine("", f" {line}") for line in wrapped)]


def _flows(snapshot: Snapshot, raw: bool, columns: int) -> list[str]:
    """In and Out, one figure below the other; with the longest labels that there is room for."""
    ways = [[value for _, value in flow(snapshot.server.traffic, way, Look(raw=raw))]
            for way in ("in", "out")]  # fmt: skip
    room = [max(least, *map(len, each)) for least, *each in zip(_ROOM, *ways, strict=True)]
    texts: list[str] = []
    for labels in _LABELS:
        texts = [
            "  ".join([name, *(f"{label} {value:<{size}}" for label, value, size in
                               zip(labels, figures, room, strict=True) if label)]).rstrip()
            for name, figures in zip(("  In: ", "  Out:"), ways, strict=True)
        ]  # fmt: skip
        if max(map(cells, texts)) <= columns:
            break
    return texts


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
