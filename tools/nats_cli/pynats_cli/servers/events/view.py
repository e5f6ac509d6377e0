"""Shows events in one of the formats: in full, in a line, as JSON, as CloudEvents."""

from __future__ import annotations

import json
from collections.abc import Callable

from pynats_cli.servers.events.event import Event, UnknownEvent, parse_event, parse_fields
from pynats_cli.servers.events.kinds import KINDS, KNOWN
from pynats_cli.servers.events.rows import time_of_day

Show = Callable[[str], None]


class EventView:
    """Writes what passes the filter to `show`, and what is wrong to `complain`."""

    def __init__(
        self, form: str, passes: Callable[[str], bool], show: Show, complain: Show
    ) -> None:
        self._form = form
        self._passes = passes
        self._show = show
        self._complain = complain

    def take(self, data: bytes, subject: str) -> None:
        """A message that arrived."""
        if not self._passes(data.decode("utf-8", "replace")):
            return
        try:
            shown = (
                json_line(data)
                if self._form == "json"
                else self._text(parse_event(data, subject, KNOWN))
            )
        except UnknownEvent as error:
            text = data.decode("utf-8", "replace")
            self._complain(f"Event error: {error}\n\n          {text}")
        else:
            self._show(shown)

    def _text(self, event: Event) -> str:
        if self._form == "cloudevent":
            return json.dumps(event.to_cloud_event(), indent=2, ensure_ascii=False)
        kind, at = KINDS[event.kind], time_of_day(event.time_ns)
        if self._form == "short":
            return f"{at} {kind.line(event)}"
        return f"[{at}] [{event.id}] {kind.title(event)}\n\n{kind.rows(event).render()}\n"


def json_line(data: bytes) -> str:
    """An event of any kind in one line, as it came if that is one. Raises UnknownEvent."""
    fields = parse_fields(data)
    text = data.decode("utf-8", "replace").strip()
    return text if "\n" not in text else json.dumps(fields, ensure_ascii=False)
