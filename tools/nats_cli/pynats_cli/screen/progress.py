"""Progress of long work: a bar on stderr, only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from pynats_cli.screen.terminal import terminal_size

_FREE = 3
_NARROW = 40

Unit = Literal["count", "bytes"]


@contextmanager
def bar(
    total: int | None, unit: Unit = "count", shown: bool = True, text: str = ""
) -> Iterator[Callable[..., None]]:
    """A function to call after each step, with how much was done (1 by default). `total` None is
    not known."""
    if not shown or not sys.stderr.isatty():
        yield lambda amount=1: None
        return
    from rich.console import Console, ConsoleDimensions

    class Shown(Console):
        """The cursor stays: nobody could bring it back after a kill. At the edge there is room for
        `^C`, which would wrap and be a line of its own."""

        def show_cursor(self, show: bool = True) -> bool:
            return False

        @property  # type: ignore[misc]
        def size(self) -> ConsoleDimensions:
            # COLUMNS may be anything.
            size = terminal_size(sys.stderr)
            return ConsoleDimensions(max(size.columns - _FREE, 1), size.lines)

    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    columns: tuple[ProgressColumn, ...] = (
        (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn())
        if unit == "bytes"
        else (BarColumn(), MofNCompleteColumn())
    )
    label = (TextColumn("{task.description}"),) if text else ()
    console = Shown(stderr=True)
    # A bar that wraps cannot be drawn over.
    shown_columns = (
        columns[1:2] if console.width < _NARROW else (*label, *columns, TimeElapsedColumn())
    )
    with Progress(*shown_columns, console=console) as drawn:
        task = drawn.add_task(text, total=total)
        yield lambda amount=1: drawn.advance(task, amount)
