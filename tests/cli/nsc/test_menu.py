"""Menus: the effect of keys, and a complete menu at a pseudo terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pynats_common.commandline.menu import Menu

from tests.support.deadline import PATIENCE_S, Deadline

Nsc = Callable[..., Any]
STYLE = re.compile(r"\x1b\[[0-9;]*m")
UP, DOWN, ENTER, BACK, CLEAR = "\x1b[A", "\x1b[B", "\r", "\x7f", "\x15"


def press(menu: Menu, *keys: str, many: bool = False) -> bool:
    """Whether the last key ended the menu."""
    return [menu.press(key, many) for key in keys][-1]


def test_the_cursor_goes_round() -> None:
    menu = Menu("q", ["a", "b", "c"])
    assert not press(menu, UP) and menu.cursor == 2
    assert not press(menu, DOWN, DOWN) and menu.cursor == 1
    assert press(menu, ENTER)


def test_typing_narrows_and_keeps_something_to_choose() -> None:
    menu = Menu("q", ["apple", "Banana", "bandit", "cherry"])
    press(menu, "b", "A")
    assert menu.visible() == [1, 2] and menu.cursor == 1
    press(menu, "n", "x")
    assert menu.filter == "bAn"
    press(menu, DOWN, BACK)
    assert (menu.filter, menu.cursor) == ("bA", 2)
    press(menu, CLEAR)
    assert menu.visible() == [0, 1, 2, 3] and menu.cursor == 2


def test_space_marks_where_many_can_be_chosen() -> None:
    menu = Menu("q", ["a", "b", "c"])
    press(menu, " ", DOWN, " ", " ", DOWN, " ", many=True)
    assert menu.marked == {0, 2} and press(menu, ENTER, many=True)
    single = Menu("q", ["a b", "ab"])
    press(single, " ")
    assert single.visible() == [0] and not single.marked


class Screen:
    """A program at a pseudo terminal; each answer is sent after its question."""

    def __init__(self, *arguments: str) -> None:
        self.control, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pynsc", *arguments],
            stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"},
        )  # fmt: skip
        os.close(terminal)
        self.text = ""

    def answer(self, question: str, keys: str) -> None:
        self._read_until(question)
        os.write(self.control, keys.encode())

    def _read_until(self, words: str) -> None:
        deadline = Deadline()
        while words not in self.text:
            deadline.check(f"{words!r} after {self.text!r}")
            if not select.select([self.control], [], [], deadline.remaining())[0]:
                continue
            try:
                data = os.read(self.control, 4096)
            except OSError:
                data = b""
            assert data, f"{words!r} never came: {self.text}"
            self.text = STYLE.sub("", self.text + data.decode("utf-8", "replace"))
        self.text = self.text.partition(words)[2]

    def finish(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            os.close(self.control)


def test_menus_at_a_terminal(nsc: Nsc, home: Path) -> None:
    nsc("add", "operator", "O")
    for account in ("A", "Bank", "Cart"):
        nsc("add", "account", account)
    for user in ("u1", "u2", "u3"):
        nsc("add", "user", user, "-a", "Bank")
    screen = Screen("delete", "user", "-i")
    screen.answer("typing narrows", "ba")
    screen.answer("Bank", ENTER)
    screen.answer("space marks", " " + DOWN + DOWN + " ")
    screen.answer("[x] u3", ENTER)
    for question in ("revoke before", "delete the keys", "delete the creds"):
        screen.answer(question, "n\n")
    screen.answer("continue?", "y\n")
    screen.answer('user "u3" deleted', "")
    assert screen.finish() == 0
    shown = nsc("list", "users", "-a", "Bank").out
    assert "u2" in shown and "u1" not in shown and "u3" not in shown


def test_an_interrupted_menu_changes_nothing(nsc: Nsc, home: Path) -> None:
    nsc("add", "operator", "O")
    for account in ("A", "B"):
        nsc("add", "account", account)
    screen = Screen("delete", "account", "-i")
    screen.answer("typing narrows", "\x03")
    screen.answer("interrupted", "")
    assert screen.finish() == 130
    assert "| A" in nsc("list", "accounts").out
