"""Tables: drawn with lines, or as Markdown, CSV and TSV where the environment asks for them.

On a terminal no line is wider than it: texts wrap between words, and a table for which that is not
enough has its rows below each other, as labels and values. Nothing is lost, no name is broken.
Piped, a table is as wide as it needs to be, whatever COLUMNS says.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from pynats_cli.global_options import COLOR_SCHEMES
from pynats_cli.screen.terminal import terminal_size
from pynats_cli.screen.visible import visible

_LONG = 500  # rows, from which on they are drawn here
_FIGURE = re.compile(r"[-+]?[\d,.]+( ?[KMGTPE]?i?B| ?%)?\Z|unlimited\Z|never\Z")
_BORDER = re.compile("[╭╔][─┬═╦]*[╮╗]")

_PIPED_WIDTH = 10_000  # nothing wraps where nobody looks at it
_CUT_LATER = ContextVar("_CUT_LATER", default=False)


@contextmanager
def cut_later() -> Iterator[None]:
    """Tables are drawn at their full width on a terminal too: what shows them cuts them."""
    before = _CUT_LATER.set(True)
    try:
        yield
    finally:
        _CUT_LATER.reset(before)


class Table:
    """A table that is filled row by row. Columns of figures are aligned to the right."""

    def __init__(self, title: str, headers: Sequence[str], footer: Sequence[str] = ()) -> None:
        self.title = title
        self.headers = list(headers)
        self.footer = list(footer)
        self.rows: list[list[str]] = []

    def add(self, *cells: object) -> None:
        """A row; cells become texts, integers with commas."""
        self.rows.append([_cell(cell) for cell in cells])

    def total(self, *cells: object) -> None:
        """The last row, below a line."""
        self.footer = [_cell(cell) for cell in cells]

    def render(self, scheme: str = "") -> str:
        """The table as text; `scheme` colours its lines on a terminal."""
        return table(self.title, self.headers, self.rows, self.footer, scheme)


def _cell(value: object) -> str:
    return f"{value:,}" if type(value) is int else str(value)


def table(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str] = (),
    scheme: str = "",
) -> str:
    """A table as text. `scheme` colours its lines on a terminal. The variables
    `NATS_TABLE_FORMAT` (md, csv, tsv) and `LLMFORMAT=1` change its form."""
    form = "md" if os.environ.get("LLMFORMAT") == "1" else os.environ.get("NATS_TABLE_FORMAT", "")
    title, headers, footer = visible(title), _visible(headers), _visible(footer)
    rows = [_visible(row) for row in rows]
    everything = [list(headers), *map(list, rows), *([list(footer)] if footer else [])]
    if form.lower() in ("md", "markdown"):
        return _markdown(title, everything)
    if form.lower() in ("csv", "tsv"):
        return _separated(everything, "," if form.lower() == "csv" else "\t")
    # The width of a tab depends on where it stands.
    everything = [[cell.replace("\t", " ") for cell in row] for row in everything]
    body = everything[1 : len(rows) + 1]
    foot = everything[-1] if footer else []
    return _drawn(title, everything[0], body, foot, scheme)


def _visible(cells: Sequence[str]) -> list[str]:
    return [visible(cell) for cell in cells]


def _markdown(title: str, lines: list[list[str]]) -> str:
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in lines]
    ruler = ["---"] * len(lines[0])
    text = "\n".join(f"| {' | '.join(row)} |" for row in [escaped[0], ruler, *escaped[1:]])
    return f"# {title}\n{text}" if title else text


def _separated(lines: list[list[str]], separator: str) -> str:
    import csv
    import io

    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator="\n").writerows(lines)
    return buffer.getvalue().rstrip("\n")


def _drawn(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str],
    scheme: str,
) -> str:
    from pynats_common.commandline.tables import column_widths
    from rich.cells import cell_len

    at_terminal = sys.stdout.isatty()
    room = terminal_size().columns if at_terminal else _PIPED_WIDTH
    lines = 3 * len(headers) + 1
    if _CUT_LATER.get():  # every row in one line
        room = sys.maxsize
    widths = column_widths([headers, *rows, footer], room - lines, cell_len)
    width = sum(widths) + lines
    if at_terminal and width > room:
        return _records(title, headers, rows, footer, room)
    scheme = scheme or os.environ.get("NATS_COLOR", "")
    scheme = scheme if scheme in COLOR_SCHEMES else ""  # a context may say anything
    plain = scheme != "double" and (not at_terminal or bool(os.environ.get("NO_COLOR")))
    space = width if _CUT_LATER.get() else max(width, room)
    return _boxed(title, headers, rows, footer, "" if plain else scheme, widths, space)


def _records(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str],
    room: int,
) -> str:
    """Each row below the other, as labels and values. Empty cells are left out."""
    from rich.cells import cell_len, set_cell_size

    width = max(map(cell_len, headers), default=0)
    rule = "─" * room
    lines = [title, rule] if title else [rule]
    for number, row in enumerate([*rows, *([footer] if footer else [])]):
        if number:
            lines.append("═" * room if footer and number == len(rows) else rule)
        for header, cell in zip(headers, row, strict=False):
            label = set_cell_size("", width - cell_len(header)) + header
            parts = [part for line in cell.split("\n") for part in _parts(line, room - width - 2)]
            first, *more = parts
            if cell:
                lines += [f"{label}: {first}", *(" " * (width + 2) + part for part in more)]
    return "\n".join([*lines, rule])


def _parts(text: str, room: int) -> list[str]:
    """A line as lines that fit, broken at blanks only: what has none stays whole."""
    from rich.cells import cell_len

    first, *words = text.split(" ")
    parts = [first]
    for word in words:
        longer = f"{parts[-1]} {word}"
        if cell_len(longer) <= room:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts


def _boxed(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str],
    style: str,
    widths: Sequence[int],
    room: int,
) -> str:
    from rich.cells import cell_len

    # A title that is wider than what is below it stays in one line.
    least = min(cell_len(title) + 4, room) if title else 0
    if (
        len(rows) > _LONG
        and not style
        and least <= sum(widths) + 3 * len(widths) + 1 <= room
        and all(_fit(row, widths) for row in (headers, *rows, footer))
    ):
        text = _long(headers, rows, footer, widths)
    else:
        text = _by_rich(headers, rows, footer, style, widths, room, least)
    return _titled(text, title, cell_len(title)) if title else text


def _by_rich(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str],
    style: str,
    widths: Sequence[int],
    room: int,
    least: int,
) -> str:
    """The same of any table, at least so wide: Rich wraps cells and colours borders."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        header_style="",
        box=box.DOUBLE if style == "double" else box.ROUNDED,
        border_style="" if style in ("rounded", "double") else style,
        show_footer=bool(footer),
        min_width=least,
    )
    for index, header in enumerate(headers):
        foot = Text(footer[index]) if footer else ""
        drawn.add_column(
            Text(header, justify="left"),
            footer=foot,
            width=widths[index],
            justify="right" if _has_figures(rows, index) else "left",
        )
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))

    class Utf8(Console):
        """What we write is UTF-8 in every locale; Rich would draw borders of ASCII in some."""

        @property
        def encoding(self) -> str:
            return "utf-8"

    console = Utf8(width=room)
    with console.capture() as capture:
        console.print(drawn)
    return capture.get().rstrip("\n")


def _fit(row: Sequence[str], widths: Sequence[int]) -> bool:
    """Whether no cell of it must be wrapped."""
    from rich.cells import cell_len

    return all(
        cell_len(line) <= width
        for cell, width in zip(row, widths, strict=False)
        for line in cell.split("\n")
    )


def _has_figures(rows: Sequence[Sequence[str]], index: int) -> bool:
    cells = [row[index] for row in rows if row[index]]
    return bool(cells) and all(_FIGURE.match(cell) for cell in cells)


def _long(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str],
    widths: Sequence[int],
) -> str:
    """What rich draws, for which it needs half a minute with a hundred thousand rows."""
    from rich.cells import cell_len

    right = [_has_figures(rows, index) for index in range(len(headers))]
    lines: list[str] = []

    def rule(left: str, joint: str, end: str) -> None:
        lines.append(left + joint.join("─" * (width + 2) for width in widths) + end)

    def add(cells: Sequence[str], sides: Sequence[bool]) -> None:
        parts = []
        for cell, width, to_the_right in zip(cells, widths, sides, strict=True):
            blank = " " * (width - cell_len(cell))
            parts.append(blank + cell if to_the_right else cell + blank)
        lines.append(f"│ {' │ '.join(parts)} │")

    def add_all(cells: Sequence[str], sides: Sequence[bool]) -> None:
        """A row whose cells may have several lines."""
        split = [cell.split("\n") for cell in cells]
        for number in range(max(map(len, split))):
            add([each[number] if number < len(each) else "" for each in split], sides)

    rule("╭", "┬", "╮")
    add_all(headers, [False] * len(headers))
    rule("├", "┼", "┤")
    for row in rows:
        add_all(row, right)
    if footer:
        rule("├", "┼", "┤")
        add_all(footer, right)
    rule("╰", "┴", "╯")
    return "\n".join(lines)


def _titled(text: str, title: str, length: int) -> str:
    """A drawn table with its title as the first row, across all columns."""
    top, rest = text.split("\n", 1)
    found = _BORDER.search(top)
    assert found
    border = found[0]
    start, end = top[: found.start()], top[found.end() :]  # colours
    line, joint, bar = ("═", "╦", "║") if border[0] == "╔" else ("─", "┬", "│")
    left, right = ("╠", "╣") if border[0] == "╔" else ("├", "┤")
    blank = len(border) - 2 - length
    row = f"{' ' * ((blank + 1) // 2)}{title}{' ' * (blank // 2)}"
    edge = f"{start}{bar}{end}"
    return "\n".join(
        (
            f"{start}{border.replace(joint, line)}{end}",
            f"{edge}{row}{edge}",
            f"{start}{left}{border[1:-1]}{right}{end}",
            rest,
        )
    )
