"""A widget that is one line."""

from __future__ import annotations

from typing import cast

from textual.strip import Strip
from textual.widget import Widget

from pynats_top.screen.themes import Look, Themed
from pynats_top.screen.widgets.paint import strip


class Drawn(Widget):
    """A widget that draws its own lines, in the look that was chosen."""

    DEFAULT_CSS = """
    Drawn { width: 1fr; height: 1fr; }
    """

    @property
    def look(self) -> Look:
        return cast(Themed, self.app).look


class LineWidget(Drawn):
    """One line."""

    DEFAULT_CSS = """
    LineWidget { height: 1; }
    """

    def line(self, width: int) -> Strip:
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        return self.line(self.size.width)


class TextLine(LineWidget):
    """One line of text, with words behind it."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ("", "")

    def show(self, text: str, more: str = "") -> None:
        if (text, more) != self._text:
            self._text = (text, more)
            self.refresh()

    def line(self, width: int) -> Strip:
        text, more = self._text
        look = self.look
        return strip(((text, look.strong), (more, look.warn)), width, look.text)
