"""Tables: drawn with lines, or as Markdown, CSV and TSV where the environment asks for them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from pynats_cli.screen.visible import visible

_FIGURE = re.compile(r"[-+]?[\d,.]+( ?[KMGTPE]?i?B| ?%)?\Z|unlimited\Z|never\Z")


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
    return _drawn(title, headers, rows, footer, scheme)


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
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    color = "" if plain or scheme in ("", "rounded", "double") else scheme
    drawn = Table(
        title=title or None,
        title_style="",
        header_style="",
        box=box.DOUBLE if scheme == "double" else box.ROUNDED,
        border_style=color,
        show_footer=bool(footer),
    )
    console = Console(width=None if sys.stdout.isatty() else 200)
    lines = 3 * len(headers) + 1
    widths = column_widths([headers, *rows, footer], console.width - lines, cell_len)
    console.width = max(console.width, sum(widths) + lines)
    # A title that is wider than what is below it stays in one line.
    drawn.min_width = min(cell_len(title), console.width)
    for index, header in enumerate(headers):
        foot = Text(footer[index]) if footer else ""
        cells = [row[index] for row in rows if row[index]]
        right = bool(cells) and all(_FIGURE.match(cell) for cell in cells)
        drawn.add_column(
            Text(header), footer=foot, width=widths[index], justify="right" if right else "left"
        )
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(drawn)
    return capture.get().rstrip("\n")
