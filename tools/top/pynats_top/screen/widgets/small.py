"""What stands on a terminal that has no room for figures."""

from __future__ import annotations

import textwrap

from textual.strip import Strip

from pynats_top.screen.widgets.line import Drawn
from pynats_top.screen.widgets.paint import strip

COLUMNS_MIN, LINES_MIN = 40, 10


def is_small(columns: int, lines: int) -> bool:
    return columns < COLUMNS_MIN or lines < LINES_MIN


class Small(Drawn):
    """Words, in as many lines as it takes."""

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        words = (f"Terminal too small: {width}x{height}, needs {COLUMNS_MIN}x{LINES_MIN}."
                 " q leaves.")  # fmt: skip
        lines = textwrap.wrap(words, max(width, 1))
        look = self.look
        return strip(((lines[y] if y < len(lines) else "", look.text),), width, look.text)
