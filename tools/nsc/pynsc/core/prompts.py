"""Questions of the interactive mode, in the style `? Question [default] answer`."""

from __future__ import annotations

import sys

from pynsc.core.errors import NscError


def ask(question: str, default: str = "") -> str:
    """One line of answer; an empty one is the default. Raises NscError at the end of input."""
    if sys.stderr.isatty():
        from pynsc.terminal import print_question

        print_question(question, default, sys.stderr)
    else:
        suffix = f" [{default}]" if default else ""
        print(f"? {question}{suffix} ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise NscError("no answer", "interactive mode needs a terminal or answers on stdin")
    return line.strip() or default


def confirm(question: str, default: bool = False) -> bool:
    while True:
        answer = ask(question, "Y/n" if default else "y/N").lower()
        if answer in ("y/n", ""):
            return default
        if answer in ("y", "yes", "true"):
            return True
        if answer in ("n", "no", "false"):
            return False


def select(question: str, choices: list[str]) -> str:
    """One of the choices, by number or by its text; an empty answer is the first."""
    for number, choice in enumerate(choices, 1):
        if sys.stderr.isatty():
            from pynsc.terminal import print_choice

            print_choice(number, choice, sys.stderr)
        else:
            print(f"  {number}) {choice}", file=sys.stderr)
    while True:
        answer = ask(question, choices[0])
        if answer in choices:
            return answer
        if answer.isdigit() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]


def edit_list(question: str) -> list[str]:
    """Several values, asked one by one until an empty answer."""
    values: list[str] = []
    while answer := ask(question if not values else f"{question} (empty ends)"):
        values += [text.strip() for text in answer.split(",") if text.strip()]
    return values
