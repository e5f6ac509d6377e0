"""Small pieces of Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100
MADE = "Made from the program itself (`make docs`)."


def filled(text: str) -> str:
    """Paragraphs in lines that fit; a blank line is between them and behind the last."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\n+", text.strip()))
    return "".join(
        textwrap.fill(block, WIDTH, break_long_words=False, break_on_hyphens=False) + "\n\n"
        for block in blocks
    )


def code(text: str) -> str:
    """Text as code, in a cell or a line; "" stays empty."""
    if not text:
        return ""
    shown = " ".join(text.split())
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def codes(texts: Iterable[str]) -> str:
    """Several, with commas."""
    return ", ".join(map(code, texts))


def prose(text: str) -> str:
    """A help text as a cell: a capital letter first, code stays code."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    shown = "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in parts)
    is_name = shown.startswith(("`", "nats-", "pynats"))
    return shown if is_name else shown[:1].upper() + shown[1:]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; columns that are empty in all rows are left out. Cells are Markdown already."""
    lines = [tuple(row) for row in rows]
    kept = [at for at in range(len(head)) if any(line[at] for line in lines)]
    shown = [[head[at] for at in kept], ["---"] * len(kept)]
    shown += [[line[at] for at in kept] for line in lines]
    escaped = ([each.replace("|", "\\|") for each in line] for line in shown)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def sentence(text: str) -> str:
    """With one full stop at its end."""
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?:" else text + "."
