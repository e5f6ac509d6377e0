"""Questions and complaints drawn with Rich; imported only where a terminal shows them.

Texts are never parsed as markup, and control characters are spelled out: they may be a stranger's.
"""

from __future__ import annotations

import os
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from pynats_common.commandline.untrusted import harmless_cell


def print_error(message: str, stream: TextIO) -> None:
    """`Error: message`, in one paragraph."""
    text = Text.assemble(("Error:", "bold red"), " ", plain_text(message))
    console(stream).print(text, soft_wrap=True)


def print_question(question: str, default: str, stream: TextIO, place: str = "") -> None:
    """`? Question (default) `, leaving the cursor after it."""
    text = _asked(question, default, place)
    console(stream).print(Text.assemble(text, " "), end="", soft_wrap=True)
    stream.flush()


def replace_question(
    question: str, default: str, typed: str, answer: str, stream: TextIO, place: str = ""
) -> None:
    """The line of a question to which `typed` was answered becomes `? Question answer`. One that
    goes beyond the width of the terminal stays as it is."""
    shown = Text.assemble(question_text(question, place), " ", plain_text(answer, "cyan"))
    before = _asked(question, default, place).cell_len + 1 + cell_len(typed)
    if max(before, shown.cell_len) < os.get_terminal_size(stream.fileno()).columns:
        stream.write("\x1b[1A\r\x1b[J")
        console(stream).print(shown, soft_wrap=True)
        stream.flush()


def question_text(question: str, place: str = "") -> Text:
    """`? Question`, after the place where it is asked."""
    where = plain_text(f"[{place}] ") if place else ""
    return Text.assemble(where, ("? ", "bold green"), plain_text(question, "bold"))


def _asked(question: str, default: str, place: str) -> Text:
    return Text.assemble(
        question_text(question, place), plain_text(f" ({default})" if default else "", "cyan")
    )


def print_choice(number: int, choice: str, stream: TextIO) -> None:
    """`  1) choice`, a line of a menu."""
    text = Text.assemble("  ", (f"{number})", "cyan"), " ", plain_text(choice))
    console(stream).print(text, soft_wrap=True)


def console(stream: TextIO, columns: int | None = None) -> Console:
    """Console that prints texts unchanged; so wide as its terminal unless told otherwise."""
    return Console(file=stream, width=columns, highlight=False, markup=False, emoji=False)


def plain_text(text: str, style: str = "") -> Text:
    """Untrusted text: no markup, no control characters."""
    return Text(harmless_cell(text), style)
