"""Polls of a recording: at its pace or faster, one step on or back, or from any place."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pynats_top.collect.source import Poll, SourceError, Want
from pynats_top.collect.stored import StoredPolls
from pynats_top.model.values import integer, mapping, objects

END = "the recording ends here"


class ReplaySource:
    """See Source. Each poll is the next one of the recording, `speed` times as fast as it was
    recorded; 0 is as fast as there is an interval."""

    def __init__(self, label: str, polls: Sequence[Poll], speed: float = 1.0) -> None:
        self.label = label
        self.polls = polls
        self.times: Sequence[float] = (
            polls.times if isinstance(polls, StoredPolls) else [poll.at for poll in polls]
        )
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
        return await asyncio.to_thread(self.polls.__getitem__, self.place)

    def due_in_s(self, interval_s: float) -> float:
        """See Source."""
        if self.speed <= 0 or self.place < 0 or self.ended:
            return interval_s
        return max(self.times[self.place + 1] - self.times[self.place], 0.0) / self.speed

    async def at(self, place: int) -> tuple[Poll | None, Poll]:
        """Goes there: the poll of that place, and the one before. Raises SourceError."""
        self.place = min(max(place, 0), len(self.polls) - 1)
        found = await asyncio.to_thread(
            self.polls.__getitem__, slice(max(self.place - 1, 0), self.place + 1)
        )
        return found[0] if self.place else None, found[-1]

    async def connection(self, cid: int) -> dict[str, Any] | None:
        """See Source: as much as was recorded."""
        poll = await asyncio.to_thread(self.polls.__getitem__, max(self.place, 0))
        for answer in (poll.connz, poll.pending):
            for row in objects(mapping(answer).get("connections")):
                if integer(row.get("cid")) == cid:
                    return row
        return None

    async def close(self) -> None:
        """See Source."""
        if isinstance(self.polls, StoredPolls):
            self.polls.close()
