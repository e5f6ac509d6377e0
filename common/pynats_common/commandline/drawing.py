"""Questions and complaints drawn with Rich; imported only where a terminal shows them.

Texts are never parsed as markup, and control characters are spelled out: they may be a stranger's.
"""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

from pynats_common.commandline.untrusted import harmless_cell


def print_error(message: str, stream: TextIO) -> None:
    text = Text.assemble(("Error:", "bold red"), " ", plain_text(message))
    console(stream).print(text, soft_wrap=True)


def print_question(question: str, default: str, stream: TextIO) -> None:
    """`? Question [default] `, leaving the cursor after it."""
    parts = [Text("? ", "bold green"), plain_text(question, "bold")]
    if default:
        parts.append(plain_text(f" [{default}]", "cyan"))
    console(stream).print(Text.assemble(*parts, " "), end="", soft_wrap=True)
    stream.flush()


def print_choice(number: int, choice: str, stream: TextIO) -> None:
    text = Text.assemble("  ", (f"{number})", "cyan"), " ", plain_text(choice))
    console(stream).print(text, soft_wrap=True)


def console(stream: TextIO, columns: int | None = None) -> Console:
    """Console that prints texts unchanged; so wide as its terminal unless told otherwise."""
    return Console(file=stream, width=columns, highlight=False, markup=False, emoji=False)


def plain_text(text: str, style: str = "") -> Text:
    """Untrusted text: no markup, no control characters."""
    return Text(harmless_cell(text), style)
