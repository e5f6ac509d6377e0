"""The result of a check: what was fine, what was not, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import in_utc, normalise_time


class Status(IntEnum):
    """States as Nagios numbers them; the number is the exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(kw_only=True)
class Perf:
    """One measurement. A threshold of None was not set."""

    name: str
    value: float
    warning: float | None = None
    critical: float | None = None
    unit: str = ""
    help: str = ""


@dataclass(kw_only=True)
class Result:
    """What a check found. `suite` names the kind of check, `name` what was checked."""

    suite: str
    name: str
    criticals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    oks: list[str] = field(default_factory=list)
    unknowns: list[str] = field(default_factory=list)
    perf: list[Perf] = field(default_factory=list)

    @property
    def status(self) -> Status:
        if self.unknowns:
            return Status.UNKNOWN
        if self.criticals:
            return Status.CRITICAL
        return Status.WARNING if self.warnings else Status.OK

    def critical(self, message: str) -> None:
        self.criticals.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def ok(self, message: str) -> None:
        self.oks.append(message)

    def tell(self, status: Status, message: str) -> None:
        """Files the message under the status."""
        lists = {
            Status.OK: self.oks,
            Status.WARNING: self.warnings,
            Status.CRITICAL: self.criticals,
            Status.UNKNOWN: self.unknowns,
        }
        lists[status].append(message)

    def measured(
        self,
        name: str,
        value: float,
        help: str = "",
        *,
        warning: float | None = None,
        critical: float | None = None,
        unit: str = "",
    ) -> None:
        self.perf.append(
            Perf(name=name, value=value, warning=warning, critical=critical, unit=unit, help=help)
        )


def seconds(duration_ns: int | None) -> float | None:
    """Seconds of a duration; None stays None."""
    return None if duration_ns is None else duration_ns / SECOND_NS


def go_time(text: str) -> str:
    """A time of an answer as the reference writes it: `2026-01-02 03:04:05.678 +0000 UTC`."""
    return f"{in_utc(normalise_time(text)).replace('T', ' ').removesuffix('Z')} +0000 UTC"
