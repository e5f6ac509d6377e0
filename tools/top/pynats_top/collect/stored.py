"""The polls of a recording, which stay in its file: one of a day is longer than memory."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from array import array
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import IO, Any, Final, overload

from pynats_common.files import telling

from pynats_top.collect.record import FIELDS, VERSION
from pynats_top.collect.source import Poll, SourceError
from pynats_top.model.values import decimal, text

LINE_MAX: Final = 1 << 28
# How Recording begins a line: source and time are read without the rest.
_BEGIN: Final = re.compile(rb'\{"v":1,"source":"([^"\\]*)","at":([0-9.]{1,30}),')


class StoredPolls(Sequence[Poll]):
    """Polls of one source, read when they are asked for, which raises SourceError for one that
    is none. `times` says when each of them was, in seconds."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        self.times = array("d")
        self._file, self._path = file, path
        self._begins, self._sizes, self._lines = array("Q"), array("Q"), array("Q")

    def add(self, at: float, begin: int, size: int, line: int) -> None:
        """One more, by its place in the file."""
        self.times.append(at)
        self._begins.append(begin)
        self._sizes.append(size)
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, number: int) -> Poll: ...
    @overload
    def __getitem__(self, number: slice) -> list[Poll]: ...
    def __getitem__(self, number: int | slice) -> Poll | list[Poll]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        place = f"{self._path}:{self._lines[number]}"
        try:
            line = os.pread(self._file.fileno(), self._sizes[number], self._begins[number])
        except OSError as error:
            raise SourceError(f"{place}: {(error.strerror or str(error)).lower()}") from None
        return _read(line, place)[1]

    def close(self) -> None:
        """Ends, for all sources of the file."""
        self._file.close()


def read_recording(path: str) -> dict[str, StoredPolls]:
    """The polls of each source, by its label. Only the first one is read as a whole. Raises
    SourceError, OSError."""
    with telling(path):
        file = _seekable(Path(path).open("rb"))  # noqa: SIM115
    try:
        return _indexed(file, path)
    except BaseException:
        file.close()
        raise


def _indexed(file: IO[bytes], path: str) -> dict[str, StoredPolls]:
    found: dict[str, StoredPolls] = {}
    begin = 0
    for number in count(1):
        line = file.readline(LINE_MAX)
        begin, end = begin + len(line), begin
        if not line:
            break
        if not line.strip():
            continue
        if not line.startswith(b"{"):
            raise SourceError(f"{path}:{number}: {_not_a_recording(line)}")
        if not line.endswith(b"\n"):
            if len(line) == LINE_MAX or not found:
                raise SourceError(f"{path}:{number}: no valid JSON: not a recording")
            break  # the recorder was stopped in the middle of it
        label, at = _head(line, f"{path}:{number}", not found)
        if label not in found:
            found[label] = StoredPolls(file, path)
        found[label].add(at, end, len(line), number)
    if not found:
        raise SourceError(f"{path} holds no polls")
    return found


def _seekable(file: IO[bytes]) -> IO[bytes]:
    """A file, also of what comes through a pipe."""
    if file.seekable():
        return file
    with file:
        kept = tempfile.TemporaryFile()  # noqa: SIM115
        shutil.copyfileobj(file, kept)
    kept.seek(0)
    return kept


def _head(line: bytes, place: str, whole: bool) -> tuple[str, float]:
    """Source and time of a poll."""
    begin = None if whole else _BEGIN.match(line)
    if begin is not None:
        try:
            return text(begin[1].decode()), float(begin[2])
        except ValueError:
            pass
    label, poll = _read(line, place)
    return label, poll.at


def _read(line: bytes, place: str) -> tuple[str, Poll]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise SourceError(f"{place}: no valid JSON: not a recording") from None
    if not isinstance(value, dict) or not isinstance(value.get("varz"), dict):
        raise SourceError(f"{place}: no poll: not a recording")
    version = value.get("v")
    if isinstance(version, int) and version > VERSION:
        raise SourceError(f"{place}: recorded by a newer version of this program ({version})")
    return text(value.get("source")), _poll(value)


def _poll(value: dict[str, Any]) -> Poll:
    poll = Poll(decimal(value.get("at")))
    for name in FIELDS:
        if isinstance(value.get(name), dict):
            setattr(poll, name, value[name])
    return poll


def _not_a_recording(line: bytes) -> str:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return "no valid JSON: not a recording"
    return "no poll: not a recording"
