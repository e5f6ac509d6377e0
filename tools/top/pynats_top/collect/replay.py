"""Polls of a recording: at its pace or faster, one step on or back, or from any place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pynats_common.files import telling

from pynats_top.collect.record import FIELDS
from pynats_top.collect.source import Poll, SourceError, Want
from pynats_top.model.values import decimal, integer, mapping, objects, text

END = "the recording ends here"


def read_recording(path: str) -> dict[str, list[Poll]]:
    """The polls of each source, by its label. Raises SourceError, OSError."""
    found: dict[str, list[Poll]] = {}
    with telling(path), Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if not line.endswith(b"\n"):
                break  # the recorder was stopped in the middle of it
            label, poll = _read(line, f"{path}:{number}")
            found.setdefault(label, []).append(poll)
    if not found:
        raise SourceError(f"{path} holds no polls")
    return found


def _read(line: bytes, place: str) -> tuple[str, Poll]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise SourceError(f"{place}: no valid JSON: not a recording") from None
    if not isinstance(value, dict) or not isinstance(value.get("varz"), dict):
        raise SourceError(f"{place}: no poll: not a recording")
    poll = Poll(decimal(value.get("at")))
    for name in FIELDS:
        if isinstance(value.get(name), dict):
            setattr(poll, name, value[name])
    return text(value.get("source")), poll


class ReplaySource:
    """See Source. Each poll is the next one of the recording, `speed` times as fast as it was
    recorded; 0 is as fast as there is an interval."""

    def __init__(self, label: str, polls: list[Poll], speed: float = 1.0) -> None:
        self.label = label
        self.polls = polls
        self.place = -1  # of the poll given last
        self.speed = speed

    @property
    def ended(self) -> bool:
        """Whether the last poll has been given."""
        return self.place >= len(self.polls) - 1

    async def poll(self, want: Want) -> Poll:
        """See Source. Raises SourceError after the last one."""
        if self.ended:
            raise SourceError(END)
        self.place += 1
        return self.polls[self.place]

    def due_in_s(self, interval_s: float) -> float:
        """See Source."""
        if self.speed <= 0 or self.place < 0 or self.ended:
            return interval_s
        return max(self.polls[self.place + 1].at - self.polls[self.place].at, 0.0) / self.speed

    def at(self, place: int) -> tuple[Poll | None, Poll]:
        """Goes there: the poll of that place, and the one before."""
        self.place = min(max(place, 0), len(self.polls) - 1)
        return self.polls[self.place - 1] if self.place else None, self.polls[self.place]

    async def connection(self, cid: int) -> dict[str, Any] | None:
        """See Source: as much as was recorded."""
        poll = self.polls[max(self.place, 0)]
        for answer in (poll.connz, poll.pending):
            for row in objects(mapping(answer).get("connections")):
                if integer(row.get("cid")) == cid:
                    return row
        return None

    async def close(self) -> None:
        """See Source."""
