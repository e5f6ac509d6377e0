"""A table of any length: only the rows that are seen are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from textual.strip import Strip

from pynats_top.screen.widgets.line import Drawn
from pynats_top.screen.widgets.paint import fit, plain, window

INDENT = "  "
GAP = 2  # behind a number
_STEP = 8


@dataclass(frozen=True)
class Shown:
    """A column: its title, its width with the gap after it, and the text of a row."""

    title: str
    width: int
    text: Callable[[Any], str]
    key: str = ""
    right: bool = False

    def cell(self, row: Any) -> str:
        """The text in the column's width; numbers end where the gap begins."""
        text = plain(self.text(row))
        if self.right and len(text) <= self.width - GAP:
            return text.rjust(self.width - GAP).ljust(self.width)
        return f"{fit(text, self.width - 1)} "

    def head(self) -> str:
        text = self.title[: self.width - 1]
        if self.right:
            return text.rjust(self.width - GAP).ljust(self.width)
        return text.ljust(self.width)


class Grid(Drawn):
    """A title line and rows. The chosen row stays chosen wherever it moves to."""

    def __init__(self) -> None:
        super().__init__()
        self._columns: Sequence[Shown] = ()
        self._rows: Sequence[Any] = ()
        self._identity: Callable[[Any], object] = id
        self._marked = ""
        self._width = 0
        self._top = self._left = 0
        self._chosen: object = None
        self._cursor = -1

    def show(self, columns: Sequence[Shown], rows: Sequence[Any],
             identity: Callable[[Any], object], marked: str = "") -> None:  # fmt: skip
        """New rows; `marked` is the key of the column that they are sorted by."""
        self._columns, self._rows, self._marked = columns, rows, marked
        self._identity = identity
        self._width = len(INDENT) + sum(each.width for each in columns)
        if self._cursor >= 0:
            self._cursor = self._place()
        self._settle()
        self.refresh()

    def _place(self) -> int:
        for number, row in enumerate(self._rows):
            if self._identity(row) == self._chosen:
                return number
        number = min(self._cursor, len(self._rows) - 1)
        if number >= 0:
            self._chosen = self._identity(self._rows[number])
        return number

    @property
    def chosen(self) -> Any | None:
        """The chosen row; the first one seen where none is."""
        number = self._cursor if self._cursor >= 0 else self._top
        return self._rows[number] if number < len(self._rows) else None

    @property
    def seen(self) -> tuple[int, int, int]:
        """The first row that is seen, the one after the last, and how many there are."""
        return self._top, min(self._top + self._height, len(self._rows)), len(self._rows)

    @property
    def _height(self) -> int:
        return max(self.size.height - 1, 1)

    def forget(self) -> bool:
        """Nothing is chosen any more; whether something was."""
        had = self._cursor >= 0 or self._top > 0 or self._left > 0
        self._cursor, self._top, self._left = -1, 0, 0
        self.refresh()
        return had

    def move(self, step: int) -> None:
        self.go(self._cursor + step if self._cursor >= 0 else self._top + min(step, 0))

    def page(self, direction: int) -> None:
        self.move(direction * self._height)

    def go(self, number: int) -> None:
        """Chooses a row."""
        if not self._rows:
            return
        self._cursor = min(max(number, 0), len(self._rows) - 1)
        self._chosen = self._identity(self._rows[self._cursor])
        self._settle()
        self.refresh()

    def edge(self, direction: int) -> None:
        self.go(len(self._rows) - 1 if direction > 0 else 0)

    def sideways(self, direction: int) -> None:
        self._left += direction * _STEP
        self._settle()
        self.refresh()

    def _settle(self) -> None:
        """What is seen lies within what there is, and the chosen row is seen."""
        if self._cursor >= 0:
            self._top = min(max(self._top, self._cursor - self._height + 1), self._cursor)
        self._top = max(min(self._top, len(self._rows) - self._height), 0)
        self._left = max(min(self._left, self._width - self.size.width), 0)

    def on_resize(self) -> None:
        self._settle()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._title(width)
        number = self._top + y - 1
        look = self.look
        if number >= len(self._rows):
            return Strip([Segment(" " * width, look.text)], width)
        style = look.cursor if number == self._cursor else look.text
        return Strip([Segment(window(self._text(self._rows[number]), self._left, width), style)],
                     width)  # fmt: skip

    def _text(self, row: Any) -> str:
        parts = [each.cell(row) for each in self._columns[:-1]]
        # Nothing follows the last one: as much of it is shown as there is room for.
        last = plain(self._columns[-1].text(row)) if self._columns else ""
        return f"{INDENT}{''.join(parts)}{last}"

    def _title(self, width: int) -> Strip:
        look = self.look
        segments = [Segment(INDENT, look.header)]
        for each in self._columns:
            marked = bool(each.key) and each.key == self._marked
            segments.append(Segment(each.head(), look.sorted if marked else look.header))
        line = Strip(segments)
        return line.crop_extend(self._left, self._left + width, look.header)
