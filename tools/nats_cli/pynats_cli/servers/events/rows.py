"""The lines of an event: labels and values in sections, aligned at one column."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from pynats_common.go.durations import SECOND_NS, format_duration_ns

from pynats_cli.servers.events.event import Event, instant_ns

_INDENT = 6


@dataclass
class Rows:
    """Rows of labels and values; a label without a value is the title of what follows, a value
    without a label is text of its own."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, label: str, value: str) -> None:
        """A row, unless its value is empty."""
        if value:
            self.rows.append((label, value))

    def section(self, title: str) -> None:
        """The title of what follows."""
        self.rows.append((title, ""))

    def text(self, text: str) -> None:
        """Lines of their own."""
        self.rows.append(("", text))

    def render(self) -> str:
        """Text, labels ending at one column."""
        width = _INDENT + max((len(label) for label, value in self.rows if value), default=0)
        lines: list[str] = []
        for label, value in self.rows:
            if label and value:
                lines.append(f"{label.rjust(width)}: {value}")
            elif label:
                lines += ["", f"    {label}:", ""]
            else:
                lines += [f"          {part}" for part in value.splitlines()]
        return "\n".join(lines)


def clock(text: object) -> str:
    """The local time of day of an event's time, to the millisecond."""
    time_ns = instant_ns(text)
    return f"{time_of_day(time_ns)}.{time_ns // 1_000_000 % 1_000:03d}" if time_ns else ""


def time_of_day(time_ns: int) -> str:
    """The local time of day to the second."""
    return time.strftime("%H:%M:%S", time.localtime(time_ns // SECOND_NS))


def add_client(rows: Rows, client: Any) -> None:
    """Who it was, as JetStream's events tell."""
    if not isinstance(client, dict):
        return
    rows.section("Client")
    for label, name in (("User", "user"), ("Account", "acc"), ("Host", "host"), ("ID", "id"),
                        ("Name", "name")):  # fmt: skip
        rows.add(label, _shown(client.get(name)))
    add_library(rows, client)


def add_library(rows: Rows, client: dict[str, Any]) -> None:
    """The client's library and its language."""
    version, language = _shown(client.get("ver")), _shown(client.get("lang"))
    if version or language:
        rows.add("Library Version", f"{version}  Language: {language}")


def add_replicas(rows: Rows, event: Event) -> None:
    """The servers of a group."""
    for replica in event.items("replicas"):
        rows.section("Replica")
        rows.add("Name", _shown(replica.get("name")))
        rows.add("Current", "true" if replica.get("current") else "false")
        if replica.get("offline"):
            rows.add("Offline", "true")
        rows.add("Active", span(replica.get("active")))
        rows.add("Lag", _shown(replica.get("lag")))


def span(value: object) -> str:
    """Nanoseconds as a duration."""
    return format_duration_ns(value) if isinstance(value, int) else "0s"


def _shown(value: object) -> str:
    return "" if value is None else str(value)
