"""Message schedules: the `--schedule-*` flags of `publish` as headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pynats_common import units

from pynats_cli.errors import CliError

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Schedule:
    """Schedule flags as given; durations in nanoseconds, None when absent."""

    after_ns: int | None = None
    at: str = ""
    cron: str = ""
    destination: str = ""
    every_ns: int | None = None
    source: str = ""
    ttl_ns: int = 0

    def __bool__(self) -> bool:
        given = (self.at, self.cron, self.destination, self.source, self.ttl_ns > 0)
        return any(given) or self.after_ns is not None or self.every_ns is not None

    def validate(self) -> None:
        """Raises CliError for flags that contradict one another."""
        if not self.destination:
            raise CliError("schedule destination is required when setting schedule properties")
        for name, value in (("after", self.after_ns), ("every", self.every_ns)):
            if value is not None and value <= 0:
                raise CliError(f"--schedule-{name} must be greater than 0")
        given = {
            "--schedule-at": bool(self.at),
            "--schedule-after": self.after_ns is not None,
            "--schedule-every": self.every_ns is not None,
            "--schedule-cron": bool(self.cron),
        }
        chosen = [name for name, present in given.items() if present]
        if len(chosen) > 1:
            raise CliError(f"{' and '.join(chosen)} are mutually exclusive")
        if self.at:
            _parse_time(self.at)

    def headers(self, now: datetime | None = None) -> list[tuple[str, str]]:
        """Headers that make the stream hold the message and publish it on schedule."""
        found = [("Nats-Schedule-Target", self.destination)]
        pattern = self._pattern(now or datetime.now(UTC))
        if pattern:
            found.append(("Nats-Schedule", pattern))
        if self.ttl_ns > 0:
            found.append(("Nats-Schedule-TTL", units.format_duration(self.ttl_ns)))
        if self.source:
            found.append(("Nats-Schedule-Source", self.source))
        return found

    def _pattern(self, now: datetime) -> str:
        if self.at:
            return f"@at {_format_time(_parse_time(self.at))}"
        if self.after_ns is not None:
            # `nats` leaves out the "@at" here, and the server then refuses the message.
            delay = timedelta(microseconds=self.after_ns / units.MICROSECOND)
            return f"@at {_format_time(now + delay)}"
        if self.every_ns is not None:
            return f"@every {units.format_duration(self.every_ns)}"
        return self.cron


def _parse_time(text: str) -> datetime:
    if not _RFC3339.fullmatch(text):
        raise CliError(f'"{text}" is not an RFC3339 time such as 2026-01-31T12:00:00Z')
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError as error:
        raise CliError(f'"{text}": {error}') from None


def _format_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
