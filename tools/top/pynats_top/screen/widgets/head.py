"""The lines above the table: what server this is, its load, what goes in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.geometry import Region
from textual.strip import Strip

from pynats_top.screen.widgets.line import Drawn
from pynats_top.screen.widgets.paint import cells, fit, sparkline, strip

_GAP, _STEP = 2, 8
_SPARK_MIN, _SPARK_MAX = 10, 60


@dataclass(frozen=True)
class HeadLine:
    """A line; `warning` stands behind it, `marked` is a part of it, `rates` are drawn at its right
    end."""

    text: str
    warning: str = ""
    marked: str = ""
    rates: tuple[float, ...] = ()


class Head(Drawn):
    """Draws only the lines that have changed."""

    DEFAULT_CSS = """
    Head { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[HeadLine] = []
        self._spark_at = 0

    def show(self, lines: Sequence[HeadLine]) -> None:
        before = self._lines
        self._lines = list(lines)
        # In steps, so that they do not move with every digit.
        longest = max((cells(each.text) for each in lines if each.rates), default=0)
        spark_at = -(-(longest + _GAP) // _STEP) * _STEP
        moved, self._spark_at = spark_at != self._spark_at, spark_at
        if len(before) != len(lines):
            self.styles.height = len(lines)
            self.refresh(layout=True)
            return
        width = self.size.width
        for number, (old, new) in enumerate(zip(before, lines, strict=True)):
            if moved or old != new:
                self.refresh(Region(0, number, width, 1))

    def warn(self, words: str) -> None:
        """Puts words behind the first line."""
        self.show([replace(self._lines[0], warning=words), *self._lines[1:]])

    def render_line(self, y: int) -> Strip:
        look = self.look
        width = self.size.width
        if y >= len(self._lines):
            return strip((), width, look.text)
        line = self._lines[y]
        parts = [(line.text, look.strong if y == 0 else look.text)]
        if line.warning:
            parts.append((f" {line.warning}", look.bad))
        elif line.marked:
            before, _, after = line.text.partition(line.marked)
            parts = [(before, look.text), (line.marked, look.warn), (after, look.text)]
        elif line.rates:
            room = min(width - self._spark_at, _SPARK_MAX)
            if room >= _SPARK_MIN:
                parts = [(fit(line.text, self._spark_at), look.text),
                         (sparkline(line.rates, room), look.good)]  # fmt: skip
        return strip(parts, width, look.text)
