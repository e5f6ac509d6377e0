"""Screens of labels and values: labels end at one column, values follow their colon."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pynats_cli.screen.visible import laid_out, visible

_MARGIN = 2


@dataclass(frozen=True)
class Row:
    """A row; without a label it is a section's title or, with `plain`, a line of text.

    `depth` is how many sections it is in, besides the first.
    """

    label: str
    value: str
    depth: int = 0
    plain: bool = False


@dataclass
class Columns:
    """A screen under a heading."""

    heading: str
    rows: list[Row] = field(default_factory=list)
    _depth: int = 0

    def add(self, label: str, value: str) -> None:
        """A row."""
        self.rows.append(Row(visible(label), visible(value), self._depth))

    def add_if(self, label: str, value: str) -> None:
        """A row, unless its value is empty."""
        if value:
            self.add(label, value)

    def add_list(self, label: str, values: Iterable[str]) -> None:
        """A row with its values below each other; none without values."""
        self.add_if(label, "\n".join(values))

    def section(self, title: str, depth: int = 0) -> None:
        """The title of what follows; `depth` is how many sections it is in."""
        self._depth = depth
        self.rows.append(Row("", visible(title), depth))

    def inside(self) -> None:
        """What follows stands one deeper than the title above it."""
        self._depth += 1

    def text(self, line: str) -> None:
        """A line instead of rows."""
        self.rows.append(Row("", laid_out(line), self._depth, plain=True))

    def space(self) -> None:
        """An empty line."""
        self.text("")

    def render(self) -> str:
        """Text; a Markdown table with `LLMFORMAT=1`, JSON with `TESTING=true`."""
        heading = visible(self.heading)
        if os.environ.get("TESTING") == "true":
            return json.dumps({row.label: row.value for row in self.rows if row.label}, indent=2)
        if os.environ.get("LLMFORMAT") == "1":
            return f"# {heading}\n\n" + _markdown(self.rows)
        width = _MARGIN + max((len(row.label) for row in self.rows), default=0)
        lines = [heading, ""]
        for row in self.rows:
            indent = "  " * row.depth
            if row.label:
                first, *more = row.value.split("\n")
                lines.append(f"{indent}{row.label.rjust(width)}: {first}")
                lines += [" " * (len(indent) + width + 2) + part for part in more]
            elif row.plain:
                lines.append(f"{indent} {row.value}".rstrip())
            else:
                lines += [*([""] if lines[-1] else []), f"{indent}{row.value}:", ""]
        return "\n".join(lines)


def _markdown(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        if row.label:
            lines.append(f"- **{row.label}**: {', '.join(row.value.splitlines())}")
        else:
            lines.append(row.value if row.plain else f"\n{'#' * (row.depth + 2)} {row.value}\n")
    return "\n".join(lines)
