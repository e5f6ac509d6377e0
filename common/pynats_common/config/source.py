"""A configuration text, and places in it.

A tree keeps offsets: lines and columns are counted only when somebody asks for them, which is when
something is wrong.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from pynats_common.records import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a configuration text; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Source:
    """One text and the name of its file."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    def position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return Position(self.file, line, offset - self._line_starts[line - 1] + 1)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *map(re.Match.end, re.finditer("\n", self.text))]
