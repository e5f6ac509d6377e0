"""What `lint` finds: one line each, at a place."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_common.config import Position

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One complaint. Errors keep a server from starting; the rest is a warning."""

    file: str
    line: int
    column: int
    severity: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}"


class Findings(list[Finding]):
    """Those of one file."""

    def error(self, where: Position, rule: str, message: str) -> None:
        self.append(Finding(where.file, where.line, where.column, ERROR, rule, message))

    def warn(self, where: Position, rule: str, message: str) -> None:
        self.append(Finding(where.file, where.line, where.column, WARNING, rule, message))

    @property
    def errors(self) -> int:
        return sum(finding.severity == ERROR for finding in self)
