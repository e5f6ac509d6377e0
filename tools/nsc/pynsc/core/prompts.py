"""Questions of the interactive mode, in the style `? Question (default) answer`.

At a terminal, lists are interactive menus; answers from a pipe are lines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pynats_common.accounts_store.errors import StoreError

Check = Callable[[str], Any]


def ask(question: str, default: str = "", check: Check | None = None) -> str:
    """One answer line; an empty one means the default. Raises StoreError at the end of input.

    `check` raises StoreError for an invalid answer; the question is then repeated.
    """
    while True:
        answer = _line(question, default)
        try:
            if check is not None:
                check(answer)
        except StoreError as error:
            _complain(str(error))
            continue
        return answer


def _line(question: str, default: str) -> str:
    if sys.stderr.isatty():
        from pynats_common.commandline.drawing import print_question

        print_question(question, default, sys.stderr)
    else:
        suffix = f" ({default})" if default else ""
        print(f"? {question}{suffix} ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise StoreError("no answer", "interactive mode needs a terminal or answers on stdin")
    return line.strip() or default


def _complain(message: str) -> None:
    if sys.stderr.isatty():
        from pynats_common.commandline.drawing import print_error

        print_error(message, sys.stderr)
    else:
        print(f"Error: {message}", file=sys.stderr)


def confirm(question: str, default: bool = False) -> bool:
    while True:
        answer = ask(question, "Y/n" if default else "y/N").lower()
        if answer in ("y/n", ""):
            return default
        if answer in ("y", "yes", "true"):
            return True
        if answer in ("n", "no", "false"):
            return False


def select(question: str, choices: list[str], default: str = "") -> str:
    """One of the choices, by number or text; an empty answer means the default or the first."""
    default = default if default in choices else choices[0]
    if _has_menu():
        from pynats_common.commandline.menu import Menu

        return choices[Menu(question, choices, choices.index(default)).pick()]
    _show(choices)
    while True:
        answer = ask(question, default)
        if answer in choices:
            return answer
        if answer.isdigit() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]


def multi_select(question: str, choices: list[str]) -> list[str]:
    """Any of the choices, by comma-separated numbers or texts; an empty answer means none."""
    if _has_menu():
        from pynats_common.commandline.menu import Menu

        return [choices[index] for index in Menu(question, choices).pick_many()]
    _show(choices)
    while True:
        answers = [text.strip() for text in ask(question).split(",") if text.strip()]
        found = [
            text if text in choices else choices[int(text) - 1]
            for text in answers
            if text in choices or (text.isdigit() and 1 <= int(text) <= len(choices))
        ]
        if len(found) == len(answers):
            return list(dict.fromkeys(found))


def edit_list(question: str, check: Check | None = None) -> list[str]:
    """Several values, asked one by one until an empty answer."""
    values: list[str] = []

    def good(text: str) -> None:
        if text and check is not None:
            check(text)

    while answer := ask(question if not values else f"{question} (empty ends)", check=good):
        values += [text.strip() for text in answer.split(",") if text.strip()]
    return values


def _has_menu() -> bool:
    from pynats_common.commandline.menu import possible

    return possible()


def _show(choices: list[str]) -> None:
    for number, choice in enumerate(choices, 1):
        if sys.stderr.isatty():
            from pynats_common.commandline.drawing import print_choice

            print_choice(number, choice, sys.stderr)
        else:
            print(f"  {number}) {choice}", file=sys.stderr)
