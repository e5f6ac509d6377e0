"""Where a TOML text has its keys: the parser gives values without positions.

A key is found by its name, from the place of the table around it on; each place is taken once. The
text is looked through once, however many keys it has.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from pynats_common.config.source import Source

_KEY = re.compile(
    r"""(?<![\w-])(?:"([^"\n]*)"|'([^'\n]*)'|([\w-]+))(?![\w-])(?=[ \t]*[=.\]])|(\n)"""
)


class Places:
    """Those of all keys of one text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._by_name: dict[str, _Offsets] = {}
        line = _Line(source.text, 0)
        for found in _KEY.finditer(source.text):
            if found[4]:
                line = _Line(source.text, found.end())
            elif line.introduces(found.start()):
                name = found[found.lastindex or 0]
                self._by_name.setdefault(name, _Offsets()).append(found.start())

    def take(self, key: str, after: int) -> int:
        """Offset of the next free place of the key, at or after `after`; without one, that."""
        offsets = self._by_name.get(key)
        place = offsets.take(after) if offsets is not None else None
        return after if place is None else place


class _Line:
    """The line that begins at an offset, and the signs in it after which keys mean nothing."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._start = start
        end = text.find("\n", start)
        end = len(text) if end < 0 else end

        def first(sign: str) -> int:
            place = text.find(sign, start, end)
            return end if place < 0 else place

        self._equals, self._comment, self._closing = first("="), first("#"), first("]")
        self._is_header = text[start:end].lstrip(" \t").startswith("[")

    def introduces(self, offset: int) -> bool:
        """Whether a word there is a key: it is the first one, of an inline table, of a header, or
        behind a dot."""
        before = offset - 1
        while before >= self._start and self._text[before] in " \t":
            before -= 1
        if before < self._start or self._text[before] in "{,":
            return True
        if offset > self._equals:
            return False
        if self._is_header:
            return offset < self._closing
        return self._text[before] == "." and offset < self._comment


class _Offsets:
    """Ascending offsets, to be taken one by one."""

    def __init__(self) -> None:
        self._offsets: list[int] = []
        self._free: list[int] = [0]  # by index: an index up to which there is no free one

    def append(self, offset: int) -> None:
        self._offsets.append(offset)
        self._free.append(len(self._offsets))

    def take(self, after: int) -> int | None:
        """The first one that is free and not before `after`."""
        free = self._free
        index = bisect_left(self._offsets, after)
        while free[index] != index:
            free[index] = free[free[index]]
            index = free[index]
        if index == len(self._offsets):
            return None
        free[index] = index + 1
        return self._offsets[index]
