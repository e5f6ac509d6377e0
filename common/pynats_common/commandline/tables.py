"""Widths of a drawn table's columns: texts wrap between words, and no word is ever broken.

Keys, paths and tokens are words: who copies one from a terminal gets all of it, on one line, even
where that line is longer than the terminal is wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


def column_widths(
    rows: Iterable[Sequence[str]], room: int, length: Callable[[str], int] = len
) -> list[int]:
    """Widths for these rows in `room` columns without the lines between them; more if words need
    more."""
    words: list[int] = []
    lines: list[int] = []
    for row in rows:
        for column, cell in enumerate(row):
            if column == len(words):
                words.append(1)
                lines.append(1)
            words[column] = max([words[column], *map(length, cell.split())])
            lines[column] = max([lines[column], *map(length, cell.split("\n"))])
    widths = [max(line, word) for line, word in zip(lines, words, strict=True)]
    excess = sum(widths) - room
    while excess > 0:
        # The widest column that can still wrap gives first.
        column = max(range(len(widths)), key=lambda c: (widths[c] > words[c], widths[c]))
        if widths[column] <= words[column]:
            break
        others = [widths[c] for c in range(len(widths)) if c != column and widths[c] > words[c]]
        step = max(1, widths[column] - max([words[column], *others]))
        given = min(excess, step)
        widths[column] -= given
        excess -= given
    return widths
