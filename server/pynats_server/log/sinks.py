"""Where log lines go: a stream, a file that rotates itself, a logger of Python's; see `syslog`."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pynats_common.go.errno import error_text

FILE_MODE = 0o640
_LOGGING = {"TRC": 5, "DBG": 10, "INF": 20, "WRN": 30, "ERR": 40, "FTL": 50}  # of `logging`


class LogError(Exception):
    """The log cannot be set up as configured."""


class Sink(Protocol):
    """Takes finished lines. Never raises once it is open: a log must not stop a server."""

    # Whether lines carry pid, time and level (syslog adds its own).
    decorated: bool
    colored: bool
    slow: bool  # writing may take long, so a thread does it
    reopens: bool  # it is a file

    def write(self, data: bytes, level: str) -> None:
        """`data` is one line or several, each with its newline; `level` is one of `LEVELS`."""

    def reopen(self) -> bool:
        """Open the file again after something moved it away; False if there is no file."""

    def close(self) -> None: ...


class StreamSink:
    """A file descriptor, standard error as a rule."""

    decorated = True
    slow = True
    reopens = False

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self.colored = os.isatty(descriptor)

    def write(self, data: bytes, level: str) -> None:
        write_all(self._descriptor, data)

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        pass


class NoSink:
    """Drops every line."""

    decorated = False
    colored = False
    slow = False
    reopens = False

    def write(self, data: bytes, level: str) -> None:
        pass

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        pass


class LoggingSink:
    """A logger of Python's `logging`, as a program that embeds the server has one."""

    decorated = False
    colored = False
    slow = False
    reopens = False

    def __init__(self, target: logging.Logger) -> None:
        self._target = target

    def write(self, data: bytes, level: str) -> None:
        for line in data.decode("utf-8", "backslashreplace").rstrip("\n").split("\n"):
            self._target.log(_LOGGING[level], "%s", line)

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        pass


class FileSink:
    """A log file; above `size_limit` bytes it is renamed and a new one begins.

    `keep` limits the files kept, the live one included; 0 keeps all. `describe` turns a message
    about the file itself into a line. Raises `LogError` if the file cannot be opened.
    """

    decorated = True
    colored = False
    slow = True
    reopens = True

    def __init__(self, path: Path, size_limit: int, keep: int, describe: Describe) -> None:
        self._path = path
        self._size_limit = size_limit
        self._keep = keep
        self._describe = describe
        self._descriptor = -1
        self._size = 0
        self._made = not path.exists()
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(self._path, flags, FILE_MODE)
        except OSError as error:
            reason = error_text(error)
            raise LogError(f"error opening file: open {self._path}: {reason}") from None
        self._size = os.fstat(descriptor).st_size
        self._descriptor, old = descriptor, self._descriptor
        if old >= 0:
            os.close(old)

    def write(self, data: bytes, level: str) -> None:
        begin = 0
        while begin < len(data):
            # Up to the line that is too much: many may come at once.
            end = len(data)
            if self._size_limit > 0:
                room = max(0, self._size_limit - self._size)
                end = data.find(b"\n", begin + room) + 1 or end
            write_all(self._descriptor, data[begin:end])
            self._size += end - begin
            begin = end
            if 0 < self._size_limit < self._size:
                self._rotate()

    def limit(self, size_limit: int, keep: int) -> None:
        """Other limits from now on."""
        self._size_limit, self._keep = size_limit, keep

    def _rotate(self) -> None:
        now = time.time_ns()
        stamp = datetime.fromtimestamp(now // 1_000_000_000).strftime("%Y.%m.%d.%H.%M.%S")
        backup = self._path.with_name(f"{self._path.name}.{stamp}.{now % 1_000_000_000:09d}")
        try:
            self._set_aside(backup)
        except (OSError, LogError) as error:
            # Keep the open file, and try again only after another `size_limit` bytes.
            self._size = 0
            self._note(f"Unable to rotate the log file ({error})", error=True)
            return
        self._note(f'Rotated log, backup saved as "{backup}"')
        if self._keep > 0:
            self._purge()

    def _set_aside(self, backup: Path) -> None:
        """Renames the file and begins a new one; undoes the renaming if that fails."""
        self._path.rename(backup)
        try:
            self._open()
        except LogError:  # for example, no descriptor is left
            backup.rename(self._path)
            raise

    def _purge(self) -> None:
        prefix = f"{self._path.name}."
        shape = "0000.00.00.00.00.00."
        try:
            entries = list(self._path.parent.iterdir())
        except OSError as error:
            self._note(f"Unable to look for old log files: {error.strerror}", error=True)
            return
        backups = sorted(
            entry
            for entry in entries
            if entry.name.startswith(prefix)
            and len(entry.name) > len(prefix) + len(shape)
            and entry.name[len(prefix) :].replace(".", "").isdigit()
        )
        for entry in backups[: max(0, len(backups) - (self._keep - 1))]:
            try:
                entry.unlink()
            except OSError as error:
                self._note(f'Unable to delete log file "{entry}": {error.strerror}', error=True)
            else:
                self._note(f'Purged log file "{entry}"')

    def _note(self, text: str, *, error: bool = False) -> None:
        line = self._describe(text, error)
        write_all(self._descriptor, line)
        self._size += len(line)

    def reopen(self) -> bool:
        try:
            self._open()
        except LogError as error:
            self._note(str(error), error=True)
        return True

    def withdraw(self) -> None:
        """Closes a file that was opened in vain; one that was made for that goes."""
        self.close()
        if self._made:
            with contextlib.suppress(OSError):
                if self._path.stat().st_size == 0:
                    self._path.unlink()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Describe(Protocol):
    def __call__(self, text: str, error: bool, /) -> bytes: ...


def write_all(descriptor: int, data: bytes) -> None:
    """Write `data`, giving up silently if the other end does not accept it."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        return
