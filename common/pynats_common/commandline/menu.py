"""Menus at a terminal: move with the arrow keys, mark with space, narrow by typing.

Only the menu's lines are redrawn. At the end the answer replaces them, so that the scrollback shows
questions and answers. While a menu is open the hidden cursor stays at its first line, which it
keeps also when the terminal gets another width and wraps lines anew.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import Literal

from rich.text import Text

from pynats_common.commandline.drawing import console, plain_text, question_text
from pynats_common.commandline.keys import RESIZED, raw_keys

ROWS_MAX = 10
_UP, _DOWN = ("\x1b[A", "\x1bOA", "\x10"), ("\x1b[B", "\x1bOB", "\x0e", "\t")
_PAGE_UP, _PAGE_DOWN = "\x1b[5~", "\x1b[6~"
_HOME, _END = ("\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"), ("\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~")
_ENTER, _BACK, _CLEAR = ("\r", "\n"), ("\x7f", "\x08"), "\x15"


@dataclass
class Menu:
    """State of a menu: shown choices, cursor, marked choices; `place` stands before it."""

    question: str
    choices: list[str]
    cursor: int = 0
    filter: str = ""
    marked: set[int] = field(default_factory=set)
    place: str = ""
    _drawn: int = 0
    _room: int = ROWS_MAX  # lines for choices

    def pick(self) -> int:
        """Index of the user's choice. Raises KeyboardInterrupt and EOFError."""
        hint = "arrows move, typing narrows"
        self._run(hint, many=False)
        self._finish(self.choices[self.cursor])
        return self.cursor

    def pick_many(self) -> list[int]:
        """Indices of the marked choices, in order."""
        self._run("space marks, arrows move, enter ends", many=True)
        self._finish(", ".join(self.choices[i] for i in sorted(self.marked)) or "none")
        return sorted(self.marked)

    def visible(self) -> list[int]:
        """Indices of the choices that contain the typed text."""
        text = self.filter.lower()
        return [i for i, choice in enumerate(self.choices) if text in choice.lower()]

    def press(self, key: str, many: bool) -> bool:
        """Handles a key; True when the menu is done."""
        shown = self.visible()
        place = shown.index(self.cursor) if self.cursor in shown else 0
        if key in _ENTER:
            return many or bool(shown)
        if key in _UP and shown:
            self.cursor = shown[(place - 1) % len(shown)]
        elif key in _DOWN and shown:
            self.cursor = shown[(place + 1) % len(shown)]
        elif key == _PAGE_UP and shown:
            self.cursor = shown[max(place - self._room, 0)]
        elif key == _PAGE_DOWN and shown:
            self.cursor = shown[min(place + self._room, len(shown) - 1)]
        elif key in _HOME and shown:
            self.cursor = shown[0]
        elif key in _END and shown:
            self.cursor = shown[-1]
        elif key == " " and many and shown:
            self.marked ^= {self.cursor}
        elif key in _BACK:
            self._narrow(self.filter[:-1])
        elif key == _CLEAR:
            self._narrow("")
        elif key.isprintable() and len(key) == 1:
            self._narrow(self.filter + key)
        return False

    def _narrow(self, text: str) -> None:
        self.filter = text
        shown = self.visible()
        if shown and self.cursor not in shown:
            self.cursor = shown[0]

    def _run(self, hint: str, many: bool) -> None:
        with raw_keys() as keys:
            done = False
            try:
                while not done:
                    self._draw(hint, many)
                    key = keys.next()
                    done = key != RESIZED and self.press(key, many)
            finally:
                if not done:
                    self._leave()

    def _draw(self, hint: str, many: bool) -> None:
        columns, rows = _size()
        # One line is the question's, one tells the place, and one is below the menu.
        room = self._room = max(1, min(ROWS_MAX, rows - 3))
        shown = self.visible()
        place = shown.index(self.cursor) if self.cursor in shown else 0
        first = max(0, min(place - room // 2, len(shown) - room))
        typed = self.filter if shown else f"{self.filter}  [no such choice]"
        lines = [
            Text.assemble(
                question_text(self.question, self.place), " ",
                plain_text(typed or f"[{hint}]", "cyan"),
            )
        ]  # fmt: skip
        pointer = "❯" if _writable("❯") == "❯" else ">"
        for index in shown[first : first + room]:
            here = index == self.cursor
            mark = ("[x] " if index in self.marked else "[ ] ") if many else ""
            lines.append(
                Text.assemble(
                    (f"{pointer} " if here else "  ", "bold cyan"), mark,
                    plain_text(_writable(self.choices[index]), "bold cyan" if here else ""),
                )
            )  # fmt: skip
        if len(shown) > room:
            lines.append(Text(f"  {place + 1} of {len(shown)}", "dim"))
        self._replace(lines, columns)
        sys.stderr.write(f"\x1b[{len(lines)}A")
        sys.stderr.flush()

    def _finish(self, answer: str) -> None:
        question = question_text(self.question, self.place)
        self._replace([Text.assemble(question, " ", plain_text(answer, "cyan"))], _size()[0])
        sys.stderr.flush()

    def _replace(self, lines: list[Text], columns: int) -> None:
        out = console(sys.stderr, columns)
        sys.stderr.write("\r\x1b[J")
        overflow: Literal["ellipsis", "crop"] = "ellipsis" if _writable("…") == "…" else "crop"
        for line in lines:
            # With a wrapped line, the number of lines to move up would be wrong.
            out.print(line, no_wrap=True, overflow=overflow, crop=True)
        self._drawn = len(lines)

    def _leave(self) -> None:
        """What comes next stands below the menu."""
        sys.stderr.write(f"\x1b[{self._drawn}B\r")
        sys.stderr.flush()


def _size() -> tuple[int, int]:
    """Columns and rows of the terminal, whatever COLUMNS says."""
    try:
        size = os.get_terminal_size(sys.stderr.fileno())
    except OSError:
        return 80, 24
    return size.columns or 80, size.lines or 24


def _writable(text: str) -> str:
    """As standard error will spell it."""
    encoding = sys.stderr.encoding or "ascii"
    return text.encode(encoding, sys.stderr.errors or "backslashreplace").decode(encoding)


def possible() -> bool:
    """True when a menu can be shown here."""
    if sys.platform == "win32":  # menus read keys through termios
        return False
    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
