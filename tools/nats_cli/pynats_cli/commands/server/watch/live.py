"""A screen that is drawn again every second."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pynats_cli.documents import maybe_object
from pynats_cli.errors import CliError
from pynats_cli.screen.live import live_screen
from pynats_cli.screen.terminal import terminal_size

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

LINES_AROUND = 8
"""Lines of a table that are no rows: title, header, totals, lines, and one below."""
_LINES_MIN = LINES_AROUND + 1
_EVERY_S = 1.0


def require_terminal() -> None:
    """Raises CliError without a terminal."""
    if not sys.stdout.isatty():
        raise CliError("can only watch on an interactive terminal")


def rows_that_fit() -> int:
    """How many rows of a table the terminal shows. Raises CliError when it is too small."""
    lines = terminal_size().lines
    if lines < _LINES_MIN:
        raise CliError("please increase terminal dimensions")
    return lines - LINES_AROUND


def chosen(number: int) -> int:
    """How many rows to show: as many as asked for (0 = all), as far as they fit."""
    fit = rows_that_fit()
    return min(number, fit) if number else fit


async def redraw(session: Session, draw: Callable[[], str], every_s: float = _EVERY_S) -> None:
    """Draws until the user interrupts. Ends with the server's words if it refused something."""
    with live_screen() as screen:
        while True:
            screen.paint(draw())
            await asyncio.sleep(every_s)
            await session.check()


def document(data: bytes) -> dict[str, Any]:
    """The JSON object of an event; {} for anything else."""
    return maybe_object(data) or {}
