"""The output of a command as data: lines with a level, tables, and output text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK, WARN, ERR, NOTE = "OK", "WARN", "ERR", "NOTE"


@dataclass
class Line:
    """One result; children are shown indented below it."""

    level: str
    text: str
    children: list[Line] = field(default_factory=list)
    planned: bool = False

    def add(self, level: str, text: str) -> Line:
        """A line below this one; if it is an error, this one becomes an error too."""
        line = Line(level, text)
        self.children.append(line)
        if level == ERR:
            self.level = ERR
        return line

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"level": self.level, "message": self.text}
        if self.children:
            data["details"] = [child.to_json() for child in self.children]
        return data


@dataclass
class Table:
    """Title, optional header, and sections of rows (a rule is drawn between sections).

    `current` is the index of the bold row, over all sections.
    """

    title: str
    header: list[str]
    sections: list[list[list[str]]]
    current: int | None = None


@dataclass
class Report:
    """Result of one command."""

    lines: list[Line] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    output: str | None = None
    output_file: str = ""
    data: Any = None

    def ok(self, text: str) -> Line:
        return self._add(OK, text)

    def planned(self, text: str) -> Line:
        """Reports a change that takes effect when the JWT is saved; not shown if the command fails
        before."""
        line = self._add(OK, text)
        line.planned = True
        return line

    def settle(self) -> None:
        """Reports the planned changes as done."""
        for line in self.lines:
            line.planned = False

    def drop_planned(self) -> None:
        self.lines = [line for line in self.lines if not line.planned]

    def warn(self, text: str) -> Line:
        return self._add(WARN, text)

    def error(self, text: str) -> Line:
        return self._add(ERR, text)

    def note(self, text: str) -> Line:
        return self._add(NOTE, text)

    def table(
        self, title: str, header: list[str], *sections: list[list[str]], current: int | None = None
    ) -> None:
        filled = [section for section in sections if section]
        self.tables.append(Table(title, header, filled, current))

    def write(self, text: str, path: str, what: str) -> None:
        """Result text for standard output (`--` or empty path) or for a file."""
        if path in ("", "--"):
            self.output = text
            return
        from pynats_common.accounts_store.files import short_path, write_output

        target = Path(path).expanduser()
        write_output(target, text)
        self.ok(f"wrote {what} to `{short_path(target)}`")

    @property
    def failed(self) -> bool:
        return any(line.level == ERR for line in self.lines)

    def _add(self, level: str, text: str) -> Line:
        line = Line(level, text)
        self.lines.append(line)
        return line
