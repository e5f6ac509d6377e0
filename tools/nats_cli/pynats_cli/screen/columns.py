"""Screens of labels and values: labels end at one column, values follow their colon."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

_MARGIN = 2


@dataclass
class Columns:
    """A screen under a heading; a row without a label is a section's title, or an empty line.

    Lines of a value stand below each other.
    """

    heading: str
    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, label: str, value: str) -> None:
        """A row."""
        self.rows.append((label, value))

    def add_if(self, label: str, value: str) -> None:
        """A row, unless its value is empty."""
        if value:
            self.add(label, value)

    def section(self, title: str) -> None:
        """The title of what follows."""
        self.rows.append(("", title))

    def space(self) -> None:
        """An empty line."""
        self.rows.append(("", ""))

    def render(self) -> str:
        """Text; a Markdown table with `LLMFORMAT=1`, JSON with `TESTING=true`."""
        if os.environ.get("TESTING") == "true":
            return json.dumps({label: value for label, value in self.rows if label}, indent=2)
        if os.environ.get("LLMFORMAT") == "1":
            return f"# {self.heading}\n\n" + _markdown(self.rows)
        width = _MARGIN + max((len(label) for label, _ in self.rows), default=0)
        lines = [self.heading, ""]
        for label, value in self.rows:
            if label:
                first, *more = value.split("\n")
                lines.append(f"{label.rjust(width)}: {first}".rstrip())
                lines += [" " * (width + 2) + text for text in more]
                continue
            if lines[-1]:
                lines.append("")
            if value:
                lines += [f"{value}:", ""]
        return "\n".join(lines)


def _markdown(rows: Sequence[tuple[str, str]]) -> str:
    lines = []
    for label, value in rows:
        if label:
            lines.append(f"- **{label}**: {', '.join(value.splitlines())}")
        else:
            lines.append(f"\n## {value}\n" if value else "")
    return "\n".join(lines)
