"""Writes every poll to a file, a line of JSON each, to be replayed later."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
import threading
import time
from contextlib import suppress
from typing import Any, Final

from pynats_top.collect.source import Poll, Source, SourceError, Want

VERSION: Final = 1
FIELDS: Final = ("varz", "connz", "accounts", "jsz", "closed", "pending")
# A pipe that nobody reads is an error at once; to wait for a reader would hold everything up.
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
_MODE: Final = 0o600


class Recording:
    """A file that polls are written to. Others cannot read it: names and addresses are in it."""

    def __init__(self, path: str) -> None:
        """Raises OSError."""
        try:
            self._file = os.open(path, _FLAGS, _MODE)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise OSError(errno.ENXIO, "nobody reads this pipe") from None
            raise
        self._plain = stat.S_ISREG(os.fstat(self._file).st_mode)
        if self._plain and hasattr(os, "fchmod"):
            with suppress(PermissionError):  # somebody else's, which they let us write to
                os.fchmod(self._file, _MODE)  # it may have been there
        os.set_blocking(self._file, True)
        self._end = 0
        self._one = threading.Lock()

    def write(self, label: str, poll: Poll) -> None:
        """One poll; nothing after the end. What cannot be written as a whole is taken back.
        Raises OSError."""
        answers = {name: getattr(poll, name) for name in FIELDS}
        line: dict[str, Any] = {
            "v": VERSION,
            "source": label,
            "at": poll.at,
            "time": time.time(),
            **{name: _kept(answer) for name, answer in answers.items() if answer is not None},
        }
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._one:
            if self._file < 0:
                return
            try:
                self._write(data)
            except OSError:
                if self._plain:
                    os.ftruncate(self._file, self._end)
                    os.lseek(self._file, self._end, os.SEEK_SET)
                raise
            self._end += len(data)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def close(self) -> None:
        """Ends."""
        with self._one:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


def _kept(value: Any) -> Any:
    """All but JWTs, of users and of operators: nobody should keep them by the way."""
    if isinstance(value, dict):
        return {key: _kept(each) for key, each in value.items() if not key.endswith("jwt")}
    if isinstance(value, list):
        return [_kept(each) if isinstance(each, (dict, list)) else each for each in value]
    return value


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
            await asyncio.to_thread(self._recording.write, self.label, poll)
        except OSError as error:
            raise SourceError(f"cannot record: {(error.strerror or str(error)).lower()}") from None
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
