"""Line charts of figures over time, drawn at a terminal.

`run` asks for new figures every second and draws all charts again; the newest figure is at the
right edge.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pynats_cli.errors import CliError
from pynats_cli.screen import human
from pynats_cli.screen.ask import has_terminal
from pynats_cli.screen.live import live_screen
from pynats_cli.screen.terminal import terminal_size

WIDTH_MIN, HEIGHT_MIN = 20, 3
KEPT_MAX = 1_000
_CAPTION_LINES = 2


def rate(value: float) -> str:
    """Figures with two decimals."""
    return f"{value:,.2f}"


@dataclass
class Series:
    """A caption, and figures of which the newest is the last; `label` writes one."""

    caption: str
    label: Callable[[float], str] = human.number
    values: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))


def line_chart(
    values: Sequence[float],
    width: int,
    height: int,
    caption: str = "",
    label: Callable[[float], str] = human.number,
) -> str:
    """A chart of `height` lines and at most `width` columns: labels, an axis, one line. Of more
    figures than there are columns it shows the newest."""
    shown = list(values)[-max(width, 1) :] or [0.0]
    margin = max(len(text) for text in _labels(min(shown), max(shown), height, label))
    columns = max(width - margin - 3, 1)
    # Only what is drawn counts for the scale.
    shown = shown[-columns:]
    low, high = min(shown), max(shown)
    return _drawn(shown, (low, high), margin, columns, height, caption, label)


def whole_chart(
    values: Sequence[float],
    width: int,
    height: int,
    caption: str = "",
    label: Callable[[float], str] = human.number,
) -> str:
    """The same of all figures, which are stretched or averaged to the width, on a scale from 0."""
    margin = max(len(text) for text in _labels(0.0, max([*values, 0.0]), height, label))
    columns = max(width - margin - 3, 1)
    shown = fitted(values or [0.0], columns)
    # Means are lower than the highest figure: only what is drawn counts for the scale.
    scale = (0.0, max(*shown, 0.0))
    margin = max(len(text) for text in _labels(*scale, height, label))
    return _drawn(shown, scale, margin, columns, height, caption, label)


def fitted(values: Sequence[float], columns: int) -> list[float]:
    """As many figures as columns: repeated ones, or means of neighbours."""
    edges = [len(values) * column / columns for column in range(columns + 1)]
    found = []
    for start, end in pairwise(edges):
        first = int(start)
        part = (
            values[first : max(math.ceil(end), first + 1)] if end - start > 1 else [values[first]]
        )
        found.append(sum(part) / len(part))
    return found


def _drawn(
    shown: Sequence[float],
    scale: tuple[float, float],
    margin: int,
    columns: int,
    height: int,
    caption: str,
    label: Callable[[float], str],
) -> str:
    low, high = scale
    labels = [text.rjust(margin) for text in _labels(low, high, height, label)]
    rows = len(labels)
    grid = _grid(shown, low, high, rows, columns)
    lines = [f" {labels[row]} {'┤' if rows > 1 else '┼'}{''.join(grid[row])}".rstrip()
             for row in range(rows)]  # fmt: skip
    if caption:
        lines.append(" " * (margin + 3) + caption.center(columns).rstrip())
    return "\n".join(lines)


_ASCII = str.maketrans("┤┼─│╭╮╰╯µ", "|+-|..''u")


def in_ascii(chart: str) -> str:
    """A chart for terminals that have no other characters."""
    return chart.translate(_ASCII)


def _labels(low: float, high: float, height: int, label: Callable[[float], str]) -> list[str]:
    rows = max(height, 1) if high > low else 1
    return [label(high - (high - low) * row / max(rows - 1, 1)) for row in range(rows)]


def _grid(
    values: Sequence[float], low: float, high: float, rows: int, columns: int
) -> list[list[str]]:
    grid = [[" "] * columns for _ in range(rows)]
    span = (high - low) or 1.0
    heights = [round((value - low) / span * (rows - 1)) for value in values]
    first = columns - len(heights)
    before = heights[0]
    for column, now in enumerate(heights, start=first):
        _draw_step(grid, column, before, now, rows)
        before = now
    return grid


def _draw_step(grid: list[list[str]], column: int, before: int, now: int, rows: int) -> None:
    """The line in one column; heights count from below, rows from above."""
    if before == now:
        grid[rows - 1 - now][column] = "─"
        return
    rises = now > before
    grid[rows - 1 - now][column] = "╭" if rises else "╰"
    grid[rows - 1 - before][column] = "╯" if rises else "╮"
    for height in range(min(before, now) + 1, max(before, now)):
        grid[rows - 1 - height][column] = "│"


def page(title: str, series: Sequence[Series], columns: int, lines: int) -> str:
    """All charts below each other. Raises CliError when they do not fit."""
    height = (lines - 2) // max(len(series), 1) - _CAPTION_LINES
    if columns < WIDTH_MIN or height < HEIGHT_MIN:
        raise CliError("please increase terminal dimensions")
    charts = [
        line_chart(list(each.values), columns - 1, height, each.caption, each.label)
        for each in series
    ]
    return title + "\n\n" + "\n\n".join(charts) + "\n"


async def run(
    title: str,
    series: Sequence[Series],
    sample: Callable[[], Awaitable[Sequence[float]]],
    every_s: float = 1.0,
) -> None:
    """Draws until the user interrupts; `sample` gives one figure for each series. Raises CliError
    without a terminal."""
    require_terminal()
    with live_screen() as screen:
        while True:
            for each, value in zip(series, await sample(), strict=True):
                each.values.append(value)
            size = terminal_size()
            screen.paint(page(title, series, size.columns, size.lines))
            await asyncio.sleep(every_s)


def require_terminal() -> None:
    """Raises CliError without a terminal."""
    if not has_terminal():
        raise CliError("can only graph data on an interactive terminal")
