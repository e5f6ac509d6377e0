"""The help page: all keys; any key goes back."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Key
from textual.strip import Strip

from pynats_top.screen.base import TopScreen
from pynats_top.screen.keys import help_lines
from pynats_top.screen.widgets.line import Drawn
from pynats_top.screen.widgets.paint import fit, strip

_KEY, _TWO_COLUMNS = 13, 110
_SCROLLING = {"down": 1, "up": -1, "pagedown": 10, "pageup": -10}


class HelpText(Drawn):
    """The keys in one or two columns; what does not fit is scrolled to."""

    def __init__(self, replay: bool) -> None:
        super().__init__()
        self._lines = help_lines(replay)
        self._top = 0

    def scroll(self, step: int) -> bool:
        """Whether there was anything to scroll."""
        left = self._rows - self._room
        self._top = max(min(self._top + step, left), 0)
        self.refresh()
        return left > 0

    @property
    def _columns(self) -> int:
        return 2 if self.size.width >= _TWO_COLUMNS else 1

    @property
    def _rows(self) -> int:
        return -(-len(self._lines) // self._columns)

    @property
    def _room(self) -> int:
        return max(self.size.height - 1, 1)

    def render_line(self, y: int) -> Strip:
        look = self.look
        width = self.size.width
        if y == self.size.height - 1:
            more = ", ↓ shows more" if self._rows - self._room > self._top else ""
            return strip(((f" Any key goes back{more}", look.bar),), width, look.bar)
        parts = []
        each = width // self._columns
        for column in range(self._columns):
            place = column * self._rows + self._top + y
            # A column ends where the next one begins.
            inside = self._top + y < self._rows and place < len(self._lines)
            key, words = self._lines[place] if inside else ("", "")
            if key:
                parts.append((fit(f"  {key}", _KEY), look.good))
                parts.append((fit(words, max(each - _KEY, 0)), look.text))
            else:
                parts.append((fit(f" {words}", each), look.strong))
        return strip(parts, width, look.text)


class HelpScreen(TopScreen, inherit_bindings=False):
    """See above."""

    def __init__(self, replay: bool) -> None:
        super().__init__()
        self._text = HelpText(replay)

    def compose(self) -> ComposeResult:
        yield self._text

    def take(self, key: Key) -> bool:
        if not (key.key in _SCROLLING and self._text.scroll(_SCROLLING[key.key])):
            self.leave()
        return True
