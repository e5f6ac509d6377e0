"""Rates over time, as bars: the newest at the right edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.strip import Strip

from pynats_top.collect.poller import Poller
from pynats_top.model.sizes import count_text, size_text
from pynats_top.screen.widgets.line import Drawn
from pynats_top.screen.widgets.paint import bars, fit, strip

_LABEL = 24
_TALLEST = 4


_Show = Callable[[float, bool], str]
_SERIES: tuple[tuple[str, str, _Show], ...] = (
    ("in_msgs", "In msgs/s", count_text), ("out_msgs", "Out msgs/s", count_text),
    ("in_bytes", "In bytes/s", size_text), ("out_bytes", "Out bytes/s", size_text),
    ("cpu", "CPU %", lambda value, raw: f"{value:.1f}"),
    ("memory", "Memory", lambda value, raw: size_text(value)),
    ("connections", "Connections", lambda value, raw: f"{value:.0f}"),
    ("subscriptions", "Subscriptions", lambda value, raw: f"{value:.0f}"),
)  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """A title, the newest figure and the greatest one as text, and the figures."""

    title: str
    now: str
    top: str
    values: Sequence[float]


class Charts(Drawn):
    """As many lines for each as there is room for, one at least."""

    def __init__(self, find: Callable[[int], list[Chart]]) -> None:
        """`find` gives charts of at most so many figures."""
        super().__init__()
        self._find = find
        self._lines: list[tuple[str, str]] = []

    def draw(self) -> None:
        width, height = self.size
        room = max(width - _LABEL - 2, 1)
        charts = self._find(room)
        tall = min(max(height // max(len(charts), 1), 1), _TALLEST)
        # With room for it a line is left between them.
        drawn = tall - 1 if tall > 1 else 1
        self._lines = []
        for chart in charts[:height]:
            rows = bars(chart.values, room, drawn)
            labels = [f"  {chart.title:<13}{chart.now:>8}"] + [""] * (drawn - 1)
            if drawn > 1:
                labels[1] = f"  {'max':<13}{chart.top:>8}"
            self._lines += zip(labels, rows, strict=True)
            self._lines += [("", "")] * (tall - drawn)
        self.refresh()

    def on_resize(self) -> None:
        self.draw()

    def render_line(self, y: int) -> Strip:
        look = self.look
        label, bar = self._lines[y] if y < len(self._lines) else ("", "")
        style = look.dim if label.startswith("  max") else look.text
        return strip(((fit(label, _LABEL), style), (bar, look.good)), self.size.width, look.text)


def charts_of(poller: Poller, room: int, raw: bool) -> list[Chart]:
    """A server's figures over its last polls."""
    charts = []
    for name, title, show in _SERIES:
        values = poller.history.last(name, room)
        now, top = (show(values[-1], raw), show(max(values), raw)) if values else ("-", "-")
        charts.append(Chart(title, now, top, values))
    return charts
