"""Whether output is what a page shows: `...` stands for any lines, or for any text in a line, and
a date or a time of day for every other one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

ANY = "..."
_JOBS = re.compile(r"^\[\d+\][+-]?\s+(Done|Terminated|Killed|Hangup|Interrupt|Exit \d+)\b")


def lines_of(text: str) -> list[str]:
    """What counts of an output: not blanks at the ends of lines, empty lines at both ends, and what
    the shell says of its jobs."""
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [line for line in lines if not _JOBS.match(line)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def matches(wanted: Sequence[str], got: Sequence[str]) -> bool:
    """Whether all of `got` is as wanted."""
    at = row = 0
    tried, after = -1, 0  # the last line of dots, and where what follows it is looked for
    while row < len(got):
        if at < len(wanted) and wanted[at].strip() == ANY:
            tried, after = at, row
            at += 1
        elif at < len(wanted) and _same(wanted[at], got[row]):
            at, row = at + 1, row + 1
        elif tried >= 0:
            after += 1
            at, row = tried + 1, after
        else:
            return False
    return all(line.strip() == ANY for line in wanted[at:])


def begins(wanted: Sequence[str], got: Sequence[str]) -> bool:
    """Whether `got` begins as wanted."""
    return matches([*wanted, ANY], got)


def ends(wanted: Sequence[str], own: Sequence[str], others: Sequence[str]) -> bool:
    """Whether `own` and then the last lines of what others have said, or the other way round, are
    as wanted."""
    for first in range(max(0, len(others) - 200), len(others) + 1):
        tail = list(others[first:])
        if matches(wanted, [*own, *tail]) or matches(wanted, [*tail, *own]):
            return True
    return False


def may_become(wanted: Sequence[str], own: Sequence[str]) -> bool:
    """Whether lines before or after `own` could make it what is wanted."""
    return any(
        matches(wanted[:at], own) or matches(wanted[at:], own) for at in range(len(wanted) + 1)
    )


def _same(wanted: str, got: str) -> bool:
    return wanted == got or _pattern(wanted).fullmatch(got) is not None


# What does not stand for itself alone, and what it stands for.
_DATE, _TIME = r"\d{4}(?P<mark>[-/])\d\d(?P=mark)\d\d", r"\d\d:\d\d:\d\d(?:\.\d+)?"
_OPEN = re.compile(rf"(?P<any>\.\.\.)|(?P<date>\b{_DATE}\b)|(?P<time>\b{_TIME}\b)")
_STANDS_FOR = {"any": ".*", "date": r"\d{4}[-/]\d\d[-/]\d\d", "time": _TIME}


@lru_cache(4096)
def _pattern(wanted: str) -> re.Pattern[str]:
    parts, end = [], 0
    for found in _OPEN.finditer(wanted):
        parts += [re.escape(wanted[end : found.start()]), _STANDS_FOR[found.lastgroup or ""]]
        end = found.end()
    return re.compile("".join([*parts, re.escape(wanted[end:])]))
