"""The code blocks of a page, with what comments before them say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)$")
_DIRECTIVE = re.compile(r"^\{(?P<name>[\w-]+)\}\s*(?P<argument>.*)$")
_OPTION = re.compile(r"^:(?P<name>[\w-]+):\s*(?P<value>.*)$")
_COMMENT = re.compile(r"^\s*(?:%|<!--)\s*(?P<text>.*?)\s*(?:-->)?\s*$")
_MARK = re.compile(r"^(?P<name>not run|exit|check|fragment|prints)\b:?\s*(?P<value>.*)$")
CODE = ("code-block", "code", "sourcecode")


class PageError(AssertionError):
    """A page is not written as the conventions say."""


@dataclass(frozen=True)
class Block:
    """One block. `marks` are the comments right before it: name and value."""

    page: str
    line: int  # of the first line of its text
    language: str
    text: str
    caption: str = ""
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_output(self) -> bool:
        """It shows what the program before it prints."""
        return self.language == "text" and self.caption == "output"

    @property
    def reason(self) -> str | None:
        """Why it does not run, if it does not."""
        reason = self.marks.get("not run")
        if reason is not None and len(reason.split()) < 2:
            raise PageError(f"{self.place}: `not run` says no reason")
        return reason


def read(path: Path, name: str) -> list[Block]:
    """All blocks of a page, those in admonitions and tabs, too."""
    return list(_blocks(path.read_text().splitlines(), name, 1))


def _blocks(lines: Sequence[str], page: str, first: int) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        opened = _FENCE.match(lines[at])
        if opened is None:
            at += 1
            continue
        begin = at
        at += 1
        while at < len(lines) and not _closes(lines[at], opened["marks"]):
            at += 1
        if at == len(lines):
            raise PageError(f"{page}:{first + begin}: this block has no end")
        indent = len(opened["indent"])
        inner = [line[indent:] if not line[:indent].strip() else line for line in
                 lines[begin + 1 : at]]  # fmt: skip
        yield from _of_fence(opened["info"].strip(), inner, lines[:begin], page, first + begin + 1)
        at += 1


def _closes(line: str, marks: str) -> bool:
    found = line.strip()
    return len(found) >= len(marks) and not found.strip(marks[0])


def _of_fence(
    info: str, inner: list[str], before: Sequence[str], page: str, line: int
) -> Iterator[Block]:
    directive = _DIRECTIVE.match(info)
    if directive is not None and directive["name"] not in CODE:
        yield from _blocks(inner, page, line)
        return
    options: dict[str, str] = {}
    if directive is not None:
        while inner and (option := _OPTION.match(inner[0])):
            options[option["name"]] = option["value"]
            inner, line = inner[1:], line + 1
        if inner and not inner[0].strip():
            inner, line = inner[1:], line + 1
    language = directive["argument"] if directive is not None else info.partition(" ")[0]
    text = "".join(f"{row}\n" for row in inner)
    marks = _marks(before, f"{page}:{line}")
    yield Block(page, line, language, text, options.get("caption", ""), marks)


def _marks(before: Sequence[str], place: str) -> dict[str, str]:
    """Of the comments that end right before a block."""
    marks: dict[str, str] = {}
    for row in reversed(before):
        if not row.strip():
            continue
        comment = _COMMENT.match(row)
        if comment is None:
            break
        mark = _MARK.match(comment["text"])
        if mark is not None:
            marks[mark["name"]] = mark["value"]
        elif row.lstrip().startswith("%"):
            raise PageError(f"{place}: nobody knows the comment {row.strip()!r}")
    return marks
