"""Menus: the effect of keys, and a complete menu at a pseudo terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pynats_common.commandline.menu import Menu

from tests.support.screen import DOWN, ENTER, UP, Screen

Nsc = Callable[..., Any]
BACK, CLEAR = "\x7f", "\x15"


def press(menu: Menu, *keys: str, many: bool = False) -> bool:
    """Whether the last key ended the menu."""
    return [menu.press(key, many) for key in keys][-1]


def test_the_cursor_goes_round() -> None:
    menu = Menu("q", ["a", "b", "c"])
    assert not press(menu, UP) and menu.cursor == 2
    assert not press(menu, DOWN, DOWN) and menu.cursor == 1
    assert press(menu, ENTER)


def test_typing_narrows_and_what_nothing_has_is_never_chosen() -> None:
    menu = Menu("q", ["apple", "Banana", "bandit", "cherry"])
    press(menu, "b", "A")
    assert menu.visible() == [1, 2] and menu.cursor == 1
    assert not press(menu, "n", "x", ENTER) and menu.visible() == []
    assert not press(menu, UP, DOWN, ENTER)
    assert not press(menu, BACK) and menu.visible() == [1, 2]
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


def test_menus_at_a_terminal(nsc: Nsc, home: Path) -> None:
    nsc("add", "operator", "O")
    for account in ("A", "Bank", "Cart"):
        nsc("add", "account", account)
    for user in ("u1", "u2", "u3"):
        nsc("add", "user", user, "-a", "Bank")
    screen = Screen([sys.executable, "-m", "pynsc", "delete", "user", "-i"])
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
    screen = Screen([sys.executable, "-m", "pynsc", "delete", "account", "-i"])
    screen.answer("typing narrows", "\x03")
    screen.answer("interrupted", "")
    assert screen.finish() == 130
    assert "| A" in nsc("list", "accounts").out
