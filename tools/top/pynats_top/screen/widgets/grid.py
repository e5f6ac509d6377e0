"""A table of any length: only the rows that are seen are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from rich.segment import Segment
from textual.strip import Strip

from pynats_top.screen.widgets.line import Drawn
from pynats_top.screen.widgets.paint import fit, fit_marked, plain

INDENT = "  "
GAP = 2  # behind a number


class Tone(Enum):
    """What a row says before it is read."""

    USUAL = "text"
    SLOW = "warn"
    FAILED = "bad"


def usual(row: Any) -> Tone:
    """Of rows that are all alike."""
    return Tone.USUAL


@dataclass(frozen=True)
class Shown:
    """A column: its title, its width with the gap after it, and the text of a row. A number is
    shown whole or not at all: a part of it would be another one."""

    title: str
    width: int
    text: Callable[[Any], str]
    key: str = ""
    right: bool = False
    number: bool = False

    @property
    def whole(self) -> bool:
        return self.number or self.right

    def cell(self, row: Any) -> str:
        """The text in the column's width; numbers end where the gap begins."""
        text = plain(self.text(row))
        if self.right:
            return text.rjust(self.width - GAP).ljust(self.width)
        return f"{fit_marked(text, self.width - 1)} "

    def head(self) -> str:
        text = self.title[: self.width - 1]
        if self.right:
            return text.rjust(self.width - GAP).ljust(self.width)
        return text.ljust(self.width)

    def grown(self, rows: Sequence[Any]) -> int:
        """How wide it must be for all of a number."""
        return max((len(self.text(row)) + GAP for row in rows), default=0)


class Grid(Drawn):
    """A title line and rows. The chosen row stays chosen wherever it moves to."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: Sequence[Shown] = ()
        self._columns: Sequence[Shown] = ()  # the same, with room for the numbers that were seen
        self._widths: dict[str, int] = {}
        self._rows: Sequence[Any] = ()
        self._identity: Callable[[Any], object] = id
        self._tone: Callable[[Any], Tone] = usual
        self._marked = self._empty = ""
        self._top = self._left = 0  # the first row, and the first column that is seen
        self._chosen: object = None
        self._cursor = -1

    def show(self, columns: Sequence[Shown], rows: Sequence[Any],
             identity: Callable[[Any], object], marked: str = "", empty: str = "",
             tone: Callable[[Any], Tone] = usual) -> None:  # fmt: skip
        """New rows; `marked` is the key of the column that they are sorted by; `empty` are the
        words in place of no rows."""
        self._wanted, self._rows, self._marked = columns, rows, marked
        self._identity, self._empty, self._tone = identity, empty, tone
        if self._cursor >= 0:
            self._cursor = self._place()
        self._settle()
        self.refresh()

    def _widen(self) -> None:
        """Room for the numbers that are seen. A column that has grown stays so: nothing moves to
        and fro."""
        if self._widths.keys() != {each.title for each in self._wanted}:
            self._widths = {each.title: 0 for each in self._wanted}
        seen = self._rows[self._top : self._top + self._height]
        self._columns = []
        for each in self._wanted:
            if each.whole:
                width = max(each.grown(seen), self._widths[each.title])
                self._widths[each.title] = width
                each = replace(each, width=width) if width > each.width else each
            self._columns.append(each)

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
        """A column on or back; the first one always stays."""
        if direction < 0 or self._hidden or not self._columns[-1].whole:
            self._left += direction
        self._settle()
        self.refresh()

    def _settle(self) -> None:
        """What is seen lies within what there is, and the chosen row is seen."""
        if self._cursor >= 0:
            self._top = min(max(self._top, self._cursor - self._height + 1), self._cursor)
        self._top = max(min(self._top, len(self._rows) - self._height), 0)
        self._left = max(min(self._left, len(self._wanted) - 2), 0)
        self._widen()

    def on_resize(self) -> None:
        self._settle()

    @property
    def _seen(self) -> list[Shown]:
        """The columns that have room, and of a text also a part."""
        seen: list[Shown] = []
        left = self.size.width - len(INDENT)
        for each in (*self._columns[:1], *self._columns[1 + self._left :]):
            # The gap behind the last one, and the mark that more follows, may be beyond the edge.
            least = each.width - GAP if each.whole else min(each.width - 1, len(each.title) + 1)
            if seen and least > left:
                break
            seen.append(each)
            left -= each.width
        return seen

    @property
    def _hidden(self) -> bool:
        """Whether there are more columns at the right."""
        seen = self._seen
        return bool(seen) and seen[-1] is not self._columns[-1]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._title(width)
        number = self._top + y - 1
        look = self.look
        if number >= len(self._rows):
            words = f"{INDENT}{self._empty}" if y == 1 and not self._rows else ""
            return Strip([Segment(fit(words, width), look.dim)], width)
        row = self._rows[number]
        chosen = number == self._cursor
        style = look.cursor if chosen else getattr(look, self._tone(row).value)
        return Strip([Segment(fit_marked(self._text(row), width), style)], width)

    def _text(self, row: Any) -> str:
        seen = self._seen
        parts = [each.cell(row) for each in seen[:-1]]
        # Nothing follows the last one: as much of it is shown as there is room for.
        last = seen[-1] if seen else None
        if last is None:
            return ""
        final = last.cell(row).rstrip() if last.whole else plain(last.text(row))
        return f"{INDENT}{''.join(parts)}{final}"

    def _title(self, width: int) -> Strip:
        look = self.look
        segments = [Segment("‹ " if self._left else INDENT, look.header)]
        for each in self._seen:
            marked = bool(each.key) and each.key == self._marked
            segments.append(Segment(each.head(), look.sorted if marked else look.header))
        line = Strip(segments).adjust_cell_length(width, look.header)
        if not self._hidden:
            return line
        return Strip([*line.crop(0, width - 1), Segment("›", look.header)], width)
