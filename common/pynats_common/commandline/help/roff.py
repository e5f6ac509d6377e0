"""Manual pages are written in roff, with the `man` macros: what pages are made of."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence

from pynats_common.program.epoch import given_epoch

Rows = Iterable[tuple[str, str]]

# What typesetters would turn into something that cannot be copied into a shell.
_LITERAL = {
    "\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti",
}  # fmt: skip
_SPECIAL = re.compile(r"[\\\-'`^~]|[^\x20-\x7e]")

_BREAK = {"|": r"|\:", ",": r",\:"}  # behind these a line may be broken
_BREAKABLE = re.compile(r"\||,(?! )")
_LINE_MAX = 78  # of input; a page's text is filled anyway


def literal(text: str) -> str:
    """Text that comes out as it is."""
    return _SPECIAL.sub(lambda found: _spelled(found[0]), text)


def _spelled(character: str) -> str:
    if character in _LITERAL:
        return _LITERAL[character]
    return " " if character.isspace() else f"\\[u{ord(character):04X}]"


def quoted(text: str) -> str:
    """An argument of a macro."""
    return '"' + text.replace('"', r"\(dq") + '"'


def line(text: str) -> str:
    """Text at the start of a line, where a full stop would begin a request."""
    spelled = literal(text)
    return f"\\&{spelled}" if spelled.startswith(".") else spelled


def filled(text: str) -> Iterator[str]:
    """Text of a paragraph, in lines that are not too long for whoever reads the source."""
    words: list[str] = []
    length = 0
    for word in text.split():
        room = len(literal(word)) + 1
        if words and length + room > _LINE_MAX:
            yield line(" ".join(words))
            words, length = [], 0
        words.append(word)
        length += room
    yield line(" ".join(words)) if words else r"\&"


def page_date() -> str:
    """The date of pages: that of the build, or today. Raises EpochError."""
    return time.strftime("%Y-%m-%d", time.gmtime(given_epoch()))


def title(name: str, section: int, date: str, program: str, version: str) -> list[str]:
    """The first lines of a page."""
    return [
        f".TH {quoted(name.upper())} {section} {date} {quoted(f'{program} {version}')}",
        ".nh",  # words are for copying
        ".ad l",
    ]


def heading(text: str) -> str:
    """A section."""
    return f".SH {literal(text)}"


def subheading(text: str) -> str:
    """A part of a section."""
    return f".SS {quoted(literal(text))}"


def bold(text: str) -> str:
    """A line in bold."""
    return f".B {quoted(literal(text))}"


def paragraphs(text: str) -> Iterator[str]:
    """Blocks that are set apart; indented lines, and lists, keep their lines."""
    for number, block in enumerate(text.strip("\n").split("\n\n")):
        if number:
            yield ".PP"
        lines = block.splitlines()
        if any(each.startswith((" ", "- ")) for each in lines):
            yield from as_it_is(lines)
        else:
            yield from filled(block)


def as_it_is(lines: Iterable[str]) -> Iterator[str]:
    """Lines that are not filled."""
    yield ".nf"
    for each in lines:
        yield line(each)
    yield ".fi"


def entries(rows: Rows) -> Iterator[str]:
    """Terms, and what each is."""
    for name, text in rows:
        yield ".TP"
        spelled = literal(name.strip())
        yield f".B {quoted(_BREAKABLE.sub(lambda found: _BREAK[found[0]], spelled))}"
        yield from filled(text)


def references(pages: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Names of other pages."""
    for number, (name, section) in enumerate(pages, 1):
        comma = "," if number < len(pages) else ""
        yield f".BR {quoted(literal(name))} ({section}){comma}"
