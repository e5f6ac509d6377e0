"""What a check of an archive is: its row in the table, its settings, what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from pynats_cli.servers.audit.snapshot import Snapshot


class Outcome(IntEnum):
    """Numbers as in reports of `nats`."""

    PASS = 0
    WARN = 1
    FAIL = 2
    SKIP = 3


@dataclass
class Finding:
    """The outcome of one check, with examples of what is wrong."""

    outcome: Outcome = Outcome.PASS
    examples: list[str] = field(default_factory=list)
    error: str = ""
    notes: list[str] = field(default_factory=list)

    def add(self, example: str, outcome: Outcome) -> None:
        """One more; the worst outcome counts."""
        self.examples.append(example)
        self.outcome = max(self.outcome, outcome)

    def note(self, text: str) -> None:
        """A line of the verbose log."""
        self.notes.append(text)


def skipped(reason: str) -> Finding:
    """A check without what it needs."""
    return Finding(Outcome.SKIP, error=reason)


@dataclass(frozen=True)
class Setting:
    """A number a check compares with."""

    key: str
    description: str
    default: float
    unit: str = ""

    def to_json(self, code: str) -> dict[str, Any]:
        return {
            "key": self.key, "check": code, "description": self.description,
            "default": self.default, "unit": self.unit,
        }  # fmt: skip

    def shown(self) -> str:
        """`cpu (90%)`."""
        unit = self.unit if self.unit == "%" else ""
        return f"{self.key} ({self.default:,}{unit})"


Settings = Mapping[str, float]


@dataclass(frozen=True)
class Check:
    """A row of the table. `judge` gets the archive and the settings by their keys."""

    code: str
    suite: str
    name: str
    description: str
    judge: Callable[[Snapshot, Settings], Finding]
    settings: tuple[Setting, ...] = ()

    def run(self, snapshot: Snapshot) -> Finding:
        return self.judge(snapshot, {each.key: each.default for each in self.settings})

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "suite": self.suite,
            "name": self.name,
            "description": self.description,
            "configuration": {each.key: each.to_json(self.code) for each in self.settings},
        }
