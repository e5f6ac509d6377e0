"""One event: what it is, when it happened, and a look at its fields that never fails."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pynats_common.go.quoting import quote
from pynats_common.go.times import parse_time_ns

_SCHEMAS = "https://raw.githubusercontent.com/nats-io/jsm.go/master/schemas/"
_PREFIX = "io.nats."


class UnknownEvent(ValueError):
    """A message that is no event that can be shown."""


@dataclass(frozen=True)
class Event:
    """A message of a known kind."""

    kind: str
    fields: dict[str, Any]

    @property
    def id(self) -> str:
        return self.text("id")

    @property
    def time_ns(self) -> int:
        """Nanoseconds since 1970, 0 when the event does not tell."""
        return instant_ns(self.fields.get("timestamp"))

    def text(self, *path: str) -> str:
        """A field as text, "" when it is absent."""
        value = self._at(path)
        return "" if value is None else str(value)

    def number(self, *path: str) -> int:
        """A field as a whole number, 0 when it is absent or none."""
        value = self._at(path)
        return value if isinstance(value, int) else 0

    def items(self, name: str) -> list[dict[str, Any]]:
        """A field that is a list of objects."""
        found = self.fields.get(name)
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def _at(self, path: tuple[str, ...]) -> Any:
        value: Any = self.fields
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def to_cloud_event(self) -> dict[str, Any]:
        """The event in the envelope of CloudEvents 1.0."""
        system, class_ = self.kind.removeprefix(_PREFIX).split(".")[:2]
        return {
            "type": self.kind,
            "time": self.text("timestamp"),
            "id": self.id,
            "source": f"urn:nats:{system}",
            "dataschema": _SCHEMAS + self.kind.removeprefix(_PREFIX).replace(".", "/") + ".json",
            "specversion": "1.0",
            "subject": class_,
            "data": self.fields,
        }


def instant_ns(text: object) -> int:
    """Nanoseconds since 1970 of a time in an event, 0 for anything else."""
    try:
        return parse_time_ns(text) if isinstance(text, str) else 0
    except (ValueError, OverflowError):
        return 0


def parse_fields(data: bytes) -> Any:
    """What a message holds. Raises UnknownEvent when that is no JSON."""
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except ValueError as error:
        raise UnknownEvent(f"parsing failed: {error}") from None
    except RecursionError:
        raise UnknownEvent("parsing failed: nested too deep") from None


def parse_event(data: bytes, subject: str, known: frozenset[str]) -> Event:
    """The event in a message. Raises UnknownEvent."""
    fields = parse_fields(data)
    kind = fields.get("type") if isinstance(fields, dict) else None
    if not isinstance(kind, str) or not kind:
        raise UnknownEvent(f"unknown event schema on subject {subject}")
    if kind not in known:
        raise UnknownEvent(f"unknown event type {quote(kind)} on subject {subject}")
    return Event(kind, fields)
