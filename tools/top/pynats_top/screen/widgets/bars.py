"""The lines at the bottom: the tabs, and the keys that matter most."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.strip import Strip

from pynats_top.screen.keys import Key
from pynats_top.screen.widgets.line import LineWidget
from pynats_top.screen.widgets.paint import cells, strip


class TabLine(LineWidget):
    """The tabs, the one that is shown marked; at the right which rows are seen."""

    def __init__(self, titles: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self._titles = titles
        self._chosen, self._right = "", ""

    def show(self, chosen: str, right: str) -> None:
        if (chosen, right) != (self._chosen, self._right):
            self._chosen, self._right = chosen, right
            self.refresh()

    def line(self, width: int) -> Strip:
        look = self.look
        texts: list[str] = []
        for size in (1, 2, 0):  # of the titles; without any at last
            texts = []
            for number, title in enumerate(self._titles, 1):
                named = size or title[0] == self._chosen
                texts.append(f" {number} {title[size or 1]} " if named else f" {number} ")
            if sum(map(cells, texts)) + cells(self._right) <= width:
                break
        parts = [(text, look.tab if title[0] == self._chosen else look.bar)
                 for text, title in zip(texts, self._titles, strict=True)]  # fmt: skip
        left = width - sum(cells(text) for text, _ in parts)
        right = self._right if cells(self._right) < left else ""
        parts.append((right.rjust(left) if left > 0 else "", look.bar))
        return strip(parts, width, look.bar)


class KeyLine(LineWidget):
    """The keys that matter at this width."""

    def __init__(self, find: Callable[[int], Sequence[Key]]) -> None:
        """`find` gives those that fit."""
        super().__init__()
        self._find = find

    def line(self, width: int) -> Strip:
        look = self.look
        parts = []
        for key in self._find(width):
            parts += [(f" {key.display}", look.key), (f" {key.short} ", look.bar)]
        return strip(parts, width, look.bar)
