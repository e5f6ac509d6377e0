"""Message schedules: the `--schedule-*` flags of `publish` as headers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC

from pynats_common.go.durations import format_duration_ns
from pynats_common.go.times import format_time_in, parse_instant_ns

from pynats_cli.errors import CliError


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
        if self.every_ns is not None and (self.at or self.after_ns is not None):
            raise CliError(
                "--schedule-every may not be used with --schedule-at or --schedule-after"
            )
        if len(chosen) > 1:
            raise CliError(f"{' and '.join(chosen)} are mutually exclusive")
        if self.at:
            _whole_second(self.at)

    def added_to(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers with those of the schedule, which replace headers of the same name."""
        own = self.headers()
        replaced = {name.lower() for name, _ in own}
        return [*(pair for pair in headers if pair[0].lower() not in replaced), *own]

    def headers(self) -> list[tuple[str, str]]:
        """Headers that make the stream hold the message and publish it on schedule."""
        found = [("Nats-Schedule-Target", self.destination)]
        pattern = self._pattern()
        if pattern:
            found.append(("Nats-Schedule", pattern))
        if self.ttl_ns > 0:
            found.append(("Nats-Schedule-TTL", format_duration_ns(self.ttl_ns)))
        if self.source:
            found.append(("Nats-Schedule-Source", self.source))
        return found

    def _pattern(self) -> str:
        if self.at:
            return f"@at {_whole_second(self.at)}"
        if self.after_ns is not None:
            # `nats` leaves out the "@at" here, and the server then refuses the message.
            return f"@at {format_time_in(time.time_ns() + self.after_ns, UTC)}"
        if self.every_ns is not None:
            return f"@every {format_duration_ns(self.every_ns)}"
        return self.cron


def _whole_second(text: str) -> str:
    """An RFC 3339 time in the form of schedules: UTC, without a fraction. Raises CliError."""
    try:
        return format_time_in(parse_instant_ns(text.upper()), UTC)
    except (ValueError, OverflowError):  # OverflowError: the year does not exist in UTC
        raise CliError(f'"{text}" is not an RFC3339 time such as 2026-01-31T12:00:00Z') from None
