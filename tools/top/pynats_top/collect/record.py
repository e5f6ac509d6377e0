"""Writes every poll to a file, a line of JSON each, to be replayed later."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final, TextIO

from pynats_top.collect.source import Poll, Source, SourceError, Want

VERSION: Final = 1
FIELDS: Final = ("varz", "connz", "accounts", "jsz", "closed", "pending")
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_LEFT_OUT: Final = frozenset(("jwt",))  # of connections: nobody should keep them by the way


class Recording:
    """A file that polls are written to. Others cannot read it: names and addresses are in it."""

    def __init__(self, path: str) -> None:
        self._file: TextIO = os.fdopen(os.open(path, _FLAGS, 0o600), "w", encoding="utf-8")

    def write(self, label: str, poll: Poll) -> None:
        """One poll. Raises OSError."""
        answers = {name: getattr(poll, name) for name in FIELDS}
        line: dict[str, Any] = {
            "v": VERSION,
            "source": label,
            "at": poll.at,
            "time": time.time(),
            **{name: _kept(answer) for name, answer in answers.items() if answer is not None},
        }
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Ends."""
        self._file.close()


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    rows = answer.get("connections")
    if not isinstance(rows, list):
        return answer
    kept = [
        {key: value for key, value in row.items() if key not in _LEFT_OUT}
        if isinstance(row, dict) else row
        for row in rows
    ]  # fmt: skip
    return {**answer, "connections": kept}


class RecordedSource:
    """A source whose polls are written to a recording."""

    def __init__(self, source: Source, recording: Recording) -> None:
        self._source = source
        self._recording = recording

    @property
    def label(self) -> str:
        """See Source."""
        return self._source.label

    async def poll(self, want: Want) -> Poll:
        """See Source. Also raises SourceError when the poll cannot be written."""
        poll = await self._source.poll(want)
        try:
            self._recording.write(self.label, poll)
        except OSError as error:
            raise SourceError(f"cannot record: {error.strerror or error}") from None
        return poll

    def due_in_s(self, interval_s: float) -> float:
        """See Source."""
        return self._source.due_in_s(interval_s)

    async def connection(self, cid: int) -> dict[str, Any] | None:
        """See Source."""
        return await self._source.connection(cid)

    async def close(self) -> None:
        """See Source."""
        await self._source.close()
