"""Reports drawn with Rich; imported only when a terminal shows them.

Piped output is the plain text of `pynsc.render`, so scripts never see this. Text in JWTs is
untrusted: it is never parsed as markup, and control characters are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from pynats_common.commandline.drawing import console, plain_text
from pynats_common.commandline.tables import column_widths
from rich import box
from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

if TYPE_CHECKING:
    from pynsc.core.report import Line, Table

_STYLES = {"OK": "green", "WARN": "yellow", "ERR": "bold red", "NOTE": "dim"}


def print_table(table: Table, stream: TextIO) -> None:
    """Titled table with rules between its sections; long texts wrap, keys never do."""
    target = console(stream)
    rows = [table.header, *(row for section in table.sections for row in section)]
    count = max(map(len, rows), default=1) or 1
    lines = 3 * count + 1
    widths = column_widths([*rows, [""] * count], target.width - lines, cell_len)
    drawn = RichTable(
        title=plain_text(table.title, "bold"), box=box.ROUNDED, show_header=bool(table.header),
        border_style="dim",
    )  # fmt: skip
    for position in range(count):
        name = table.header[position] if position < len(table.header) else ""
        # Without a header the first column holds the names of the values.
        style = "cyan" if position == 0 and not table.header else ""
        drawn.add_column(plain_text(name, "bold"), style=style, width=widths[position])
    number = 0
    for section in table.sections:
        for row in section:
            drawn.add_row(*map(plain_text, row), style="bold" if number == table.current else None)
            number += 1
        drawn.add_section()
    target.width = max(target.width, sum(widths) + lines)
    target.print(drawn)


def print_line(line: Line, mark: str, indent: str, stream: TextIO) -> None:
    """One status line with its mark in the colour of its level."""
    text = Text.assemble(indent, (mark, _STYLES[line.level]), " ", plain_text(line.text))
    console(stream).print(text, soft_wrap=True)
