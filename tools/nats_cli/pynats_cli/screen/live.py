"""Screens that are drawn again and again, as `server watch` and `sub --graph` do.

A screen is drawn over the one before, so that it does not flicker; what the terminal has no room
for is cut, never wrapped, and what is cut at the right edge shows as `≈`. A resize draws the last
screen again at once. Nothing of the terminal is changed that would have to be put back: no
alternate screen, no hidden cursor.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pynats_common.commandline.untrusted import harmless_screen
from pynats_common.go.text import bytes_of

from pynats_cli.screen.output import line, write
from pynats_cli.screen.tables import cut_later
from pynats_cli.screen.terminal import terminal_size

_HOME, _ERASE_LINE, _ERASE_BELOW, _RESET = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[0m"
_STYLE = re.compile("(\x1b\\[[0-9;]*m)")


class LiveScreen:
    """See `live_screen`."""

    def __init__(self) -> None:
        self._text = ""
        self._size = os.terminal_size((0, 0))

    def paint(self, text: str) -> None:
        """Shows the text in place of the one before; piped, or on a dumb terminal, below it."""
        if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
            line(text)
            return
        self._text = text
        self._draw()

    def again(self) -> None:
        """Shows the last text once more; the terminal has another size now."""
        if self._text:
            self._draw()

    def _draw(self) -> None:
        size = terminal_size()
        # A terminal that got narrower may have wrapped what it shows: nothing of it stays.
        start = _HOME + (_ERASE_BELOW if size != self._size else "")
        self._size = size
        lines = fitting(self._text, size.columns, size.lines - 1)
        body = "".join(f"{each}{_ERASE_LINE}\n" for each in lines)
        write(bytes_of(start + body + _ERASE_BELOW))


def fitting(text: str, columns: int, lines: int) -> list[str]:
    """The first lines of a screen, each in no more than so many columns."""
    found = harmless_screen(text).rstrip("\n").split("\n")
    if len(found) > max(lines, 1):
        left = len(found) - max(lines - 1, 0)
        found[max(lines - 1, 0) :] = [f"≈ {left} more lines"]
    return [_cut(each, columns) for each in found]


def _cut(text: str, columns: int) -> str:
    from rich.cells import cell_len, set_cell_size

    text = text.expandtabs()
    parts = _STYLE.split(text)
    if sum(map(cell_len, parts[::2])) <= columns:
        return text
    found, room = "", columns - 1
    for number, part in enumerate(parts):
        if number % 2:
            found += part
        elif room:
            width = min(cell_len(part), room)
            found += set_cell_size(part, width)
            room -= width
    return f"{found}{_RESET if len(parts) > 1 else ''}≈"


@contextmanager
def live_screen() -> Iterator[LiveScreen]:
    """A screen to paint on; needs a running loop. Begins on an empty terminal."""
    screen = LiveScreen()
    loop = asyncio.get_running_loop()
    watched = hasattr(signal, "SIGWINCH")
    if watched:
        loop.add_signal_handler(signal.SIGWINCH, screen.again)
    try:
        with cut_later():
            yield screen
    finally:
        if watched:
            loop.remove_signal_handler(signal.SIGWINCH)
