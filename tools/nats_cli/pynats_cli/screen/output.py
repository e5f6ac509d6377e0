"""Output for users: log lines on stderr, message bodies on stdout, tables."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of


def log(text: str) -> None:
    """One line on stderr that starts with the local time, like `nats` logs."""
    print(f"{time.strftime('%H:%M:%S')} {text.rstrip()}", file=sys.stderr, flush=True)


def write(data: str | bytes) -> None:
    """Text or bytes on stdout, flushed so that a pipe sees each message at once."""
    sys.stdout.flush()
    stream = sys.stdout.buffer
    stream.write(bytes_of(data) if isinstance(data, str) else data)
    stream.flush()


def line(text: str = "") -> None:
    """One line on stdout."""
    write(text + "\n")


def thousands(value: int) -> str:
    """An integer with commas."""
    return f"{value:,}"


def body(data: bytes, translate: str = "", subject: str = "", stream: str = "") -> None:
    """A message body and a blank line."""
    shown = compact_body(data, translate, subject, stream)
    if shown is not None:
        write("\n" if shown.endswith(b"\n") else "\n\n")


def compact_body(
    data: bytes, translate: str = "", subject: str = "", stream: str = ""
) -> bytes | None:
    """Writes a body on separate lines and returns the shown text; None after an error."""
    if not data and not translate:
        line("nil body")
        return b""
    if translate:
        from pynats_cli.screen.translate import TranslateError, translate_body

        try:
            data = translate_body(data, translate, subject, stream)
        except TranslateError as error:
            line(f"{quote(error.output)}\nError while translating msg body: {error}\n")
            return None
    write(data if data.endswith(b"\n") else data + b"\n")
    return data


def clear_screen() -> None:
    """Clears the terminal and moves the cursor to its top."""
    write("\033[2J\033[H")


def table(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str] = (),
    scheme: str = "",
) -> str:
    """A table as text. `NATS_TABLE_FORMAT` (md, csv, tsv) and `LLMFORMAT=1` change its form."""
    form = "md" if os.environ.get("LLMFORMAT") == "1" else os.environ.get("NATS_TABLE_FORMAT", "")
    everything = [list(headers), *(list(row) for row in rows), *([list(footer)] if footer else [])]
    if form.lower() in ("md", "markdown"):
        return _markdown(title, everything)
    if form.lower() in ("csv", "tsv"):
        return _separated(everything, "," if form.lower() == "csv" else "\t")
    return _drawn(title, headers, rows, footer, scheme)


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

    color = scheme if scheme not in ("", "rounded", "double") and sys.stdout.isatty() else ""
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
    for index, header in enumerate(headers):
        foot = Text(footer[index]) if footer else ""
        drawn.add_column(Text(header), footer=foot, width=widths[index])
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(drawn)
    return capture.get().rstrip("\n")
