"""Lines of a terminal: texts of an exact width, with styles and without markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Parts = Iterable[tuple[str, Style]]
_BARS = " ▁▂▃▄▅▆▇█"
_STEPS = len(_BARS) - 1


def plain(text: object) -> str:
    """A text from outside as a terminal may be sent it, in one line: every character that is none
    to print, lone surrogates among them, is its number."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in shown)


def fit(text: str, width: int) -> str:
    """The text in exactly so many cells: cut, or filled with blanks."""
    if text.isascii():
        return text[:width].ljust(width)
    return set_cell_size(text, width)


def fit_marked(text: str, width: int) -> str:
    """The same; where it is cut there is a mark."""
    if cells(text) <= width or width < 1:
        return fit(text, width)
    return f"{fit(text, width - 1)}…"


def cells(text: str) -> int:
    """How wide it is at a terminal."""
    return len(text) if text.isascii() else cell_len(text)


def strip(parts: Parts, width: int, rest: Style) -> Strip:
    """One line of so many cells; `rest` is the style behind the last part."""
    segments: list[Segment] = []
    left = width
    for text, style in parts:
        size = cells(text)
        if size > left:
            segments.append(Segment(fit(text, left), style))
            left = 0
            break
        segments.append(Segment(text, style))
        left -= size
    if left:
        segments.append(Segment(" " * left, rest))
    return Strip(segments, width)


def sparkline(values: Sequence[float], width: int) -> str:
    """Figures as bars in one line."""
    return bars(values, width, 1)[0]


def bars(values: Sequence[float], width: int, height: int) -> list[str]:
    """The newest figures as bars, the newest at the right edge; the tallest is the scale. Lines
    from above."""
    shown = [max(value, 0.0) for value in list(values)[-width:]] if width > 0 else []
    top = max(shown, default=0.0) or 1.0
    steps = [round(value / top * height * _STEPS) for value in shown]
    lines = []
    for row in reversed(range(height)):
        # Also nothing is a bar, of the least height: a line shows where figures begin.
        least = 1 if row == 0 else 0
        parts = [_BARS[min(max(step - row * _STEPS, least), _STEPS)] for step in steps]
        lines.append("".join(parts).rjust(width))
    return lines
