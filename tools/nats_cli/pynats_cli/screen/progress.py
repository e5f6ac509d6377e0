"""Progress of long work: a bar on stderr, only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

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
    from rich.console import Console

    class Shown(Console):
        """The cursor stays: nobody could bring it back after a kill."""

        def show_cursor(self, show: bool = True) -> bool:
            return False

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
    with Progress(*label, *columns, TimeElapsedColumn(), console=Shown(stderr=True)) as drawn:
        task = drawn.add_task(text, total=total)
        yield lambda amount=1: drawn.advance(task, amount)
