"""Questions to the user at the terminal.

Without a terminal every question is an error that names what is missing: nothing ever waits.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from pynats_cli.errors import CliError
from pynats_cli.screen import place
from pynats_cli.screen.output import note


def has_terminal() -> bool:
    """True when both standard input and output are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends a question at once, from before it is shown. A connected command has left the
    signal to its loop, which would look at it after the answer only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _require_terminal(what: str, missing: str) -> None:
    if not has_terminal():
        hint = f": {missing} is missing" if missing else ""
        raise CliError(f"cannot {what} without a terminal{hint}")


@_interruptible()
def ask(
    question: str,
    default: str = "",
    check: Callable[[str], Any] | None = None,
    missing: str = "",
    hidden: bool = False,
) -> str:
    """One answer line; an empty one means the default. `check` raises ValueError or CliError for an
    invalid answer, and the question is repeated. `missing` is the flag or argument that would have
    answered, `hidden` answers are not shown. Raises CliError without a terminal."""
    _require_terminal("prompt for user input", missing)
    from pynats_common.commandline.drawing import print_error

    while True:
        if hidden:
            answer = _hidden_line(question, default) or default
        else:
            answer = _answered(question, default, lambda typed: typed or default)
        try:
            if check is not None:
                check(answer)
        except (ValueError, CliError) as error:
            print_error(str(error), _stream())
            continue
        return answer


def _answered(question: str, default: str, meaning: Callable[[str], str]) -> str:
    """What was typed means, which then stands after the question, as in the end of a menu."""
    from pynats_common.commandline import menu
    from pynats_common.commandline.drawing import print_question, replace_question

    print_question(question, default, _stream(), place.context())
    typed = _line()
    answer = meaning(typed)
    if menu.possible():
        replace_question(question, default, typed, answer, _stream(), place.context())
    return answer


def _stream() -> TextIO:
    """Where questions are seen: standard error may go to a file."""
    return sys.stderr if sys.stderr.isatty() else sys.stdout


def _line() -> str:
    try:
        text = sys.stdin.readline()
    except UnicodeDecodeError:
        raise CliError("the answer is not valid UTF-8") from None
    if not text:
        raise _no_answer()
    return text.strip()


def _hidden_line(question: str, default: str) -> str:
    """The terminal stops to show what is typed before it shows the question, which is when one
    begins to type."""
    from getpass import getpass
    from io import StringIO

    from pynats_common.commandline.drawing import print_question
    from pynats_common.commandline.keys import kept_terminal

    shown = StringIO()
    print_question(question, default, shown, place.context())
    with kept_terminal():
        try:
            return getpass(shown.getvalue(), stream=_stream())
        except EOFError:
            raise _no_answer() from None


def _no_answer() -> CliError:
    return CliError("interrupted: no answer")


@_interruptible()
def confirm(question: str, default: bool = False, missing: str = "--force") -> bool:
    """Yes or no. Raises CliError without a terminal."""
    _require_terminal("ask for confirmation", missing)
    words = {"": default, "y": True, "yes": True, "n": False, "no": False}

    def meaning(typed: str) -> str:
        known = words.get(typed.lower())
        return typed if known is None else "Yes" if known else "No"

    while True:
        answer = _answered(question, "Y/n" if default else "y/N", meaning)
        if answer in ("Yes", "No"):
            return answer == "Yes"


def sure(force: bool, question: str, undone: str = "nothing was changed") -> bool:
    """True with `force` or a Yes; a No is said on stderr."""
    if force or confirm(question):
        return True
    note(undone)
    return False


@_interruptible()
def choose(question: str, choices: Sequence[str], default: str = "", missing: str = "") -> str:
    """One of the choices, from a menu; by name or number where the terminal has no menus. Raises
    CliError without a terminal."""
    _require_terminal(f"ask: {question}" if not missing else "ask", missing)
    from pynats_common.commandline import menu
    from pynats_common.commandline.drawing import print_choice

    names = list(choices)
    first = default if default in names else names[0]
    if menu.possible():
        try:
            return names[
                menu.Menu(question, names, names.index(first), place=place.context()).pick()
            ]
        except EOFError:
            raise _no_answer() from None
    for number, name in enumerate(names, start=1):
        print_choice(number, name, _stream())

    def known(answer: str) -> None:
        if answer not in names and not (answer.isdecimal() and 1 <= int(answer) <= len(names)):
            raise ValueError(f'"{answer}" is not one of the choices')

    answer = ask(question, first, known)
    return answer if answer in names else names[int(answer) - 1]
