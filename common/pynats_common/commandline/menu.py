"""Menus at a terminal: move with the arrow keys, mark with space, narrow by typing.

Only the menu's lines are redrawn. At the end the answer replaces them, so that the scrollback shows
questions and answers.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from select import select
from typing import TYPE_CHECKING

from rich.text import Text

from pynats_common.commandline.drawing import console, plain_text, question_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_MAX = 10
SEQUENCE_S = 0.05  # bytes of one key arrive faster than separate keys
_UP, _DOWN = ("\x1b[A", "\x1bOA", "\x10"), ("\x1b[B", "\x1bOB", "\x0e", "\t")
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
        with _raw_keys():
            done = False
            while not done:
                self._draw(hint, many)
                done = self.press(_read_key(), many)

    def _draw(self, hint: str, many: bool) -> None:
        shown = self.visible()
        place = shown.index(self.cursor) if self.cursor in shown else 0
        first = max(0, min(place - ROWS_MAX // 2, len(shown) - ROWS_MAX))
        typed = self.filter if shown else f"{self.filter}  [no such choice]"
        lines = [
            Text.assemble(
                question_text(self.question, self.place), " ",
                plain_text(typed or f"[{hint}]", "cyan"),
            )
        ]  # fmt: skip
        for index in shown[first : first + ROWS_MAX]:
            here = index == self.cursor
            mark = ("[x] " if index in self.marked else "[ ] ") if many else ""
            lines.append(
                Text.assemble(
                    ("❯ " if here else "  ", "bold cyan"), mark,
                    plain_text(self.choices[index], "bold cyan" if here else ""),
                )
            )  # fmt: skip
        if len(shown) > ROWS_MAX:
            lines.append(Text(f"  {place + 1} of {len(shown)}", "dim"))
        self._replace(lines)

    def _finish(self, answer: str) -> None:
        question = question_text(self.question, self.place)
        self._replace([Text.assemble(question, " ", plain_text(answer, "cyan"))])

    def _replace(self, lines: list[Text]) -> None:
        out = console(sys.stderr)
        if self._drawn:
            sys.stderr.write(f"\x1b[{self._drawn}A\r\x1b[J")
        for line in lines:
            # With a wrapped line, the number of lines to move up would be wrong.
            out.print(line, no_wrap=True, overflow="ellipsis", crop=True)
        sys.stderr.flush()
        self._drawn = len(lines)


def _read_key() -> str:
    """One key; an arrow is its whole sequence. Keys typed ahead stay for the next question."""
    descriptor = sys.stdin.fileno()

    def more() -> bytes:
        return os.read(descriptor, 1) if select([descriptor], [], [], SEQUENCE_S)[0] else b""

    data = os.read(descriptor, 1)
    if data in (b"", b"\x04"):
        raise EOFError
    if data == b"\x03":
        raise KeyboardInterrupt
    if data == b"\x1b":
        data += more()
        return (data + more() if data[1:] in (b"[", b"O") else data).decode("ascii", "replace")
    for bound in (0xC0, 0xE0, 0xF0):  # further bytes of a letter beyond ASCII
        if data[0] >= bound:
            data += more()
    return data.decode("utf-8", "replace")


@contextmanager
def _raw_keys() -> Iterator[None]:
    """Gives each key at once, with a hidden cursor; always restores the terminal."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    sys.stderr.write("\x1b[?25l")
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)
        after = termios.tcgetattr(descriptor)
        after[1] = before[1]  # keep output processing, so that line ends still work
        termios.tcsetattr(descriptor, termios.TCSADRAIN, after)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stderr.write("\x1b[?25h")
        sys.stderr.flush()


def possible() -> bool:
    """True when a menu can be shown here."""
    if sys.platform == "win32":  # menus read keys through termios
        return False
    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
