"""Where the streams of a store are, and that nobody else works there."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pynats_common.go.text import text_of

HOME: Final = "jetstream"  # in the folder that servers are configured with


class InspectionError(Exception):
    """What was asked for cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stream's folder."""

    account: str
    stream: str
    folder: Path

    @property
    def label(self) -> str:
        """How an operator names the stream."""
        return f"{self.account}/{self.stream}"


@contextlib.contextmanager
def taken(store_dir: Path) -> Iterator[Path]:
    """The folder of the accounts; no server of ours starts in it meanwhile. Raises
    InspectionError."""
    home = store_dir if store_dir.name == HOME else store_dir / HOME
    try:
        lock = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InspectionError(f"{home} cannot be looked at: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise InspectionError(f"{home} is in use by a server") from None
    try:
        yield home
    finally:
        os.close(lock)


def streams_in(home: Path, wanted: str) -> list[Place]:
    """All streams, or the one of that label. Raises InspectionError where there is none."""
    found = [
        Place(_shown(account), _shown(folder), folder)
        for account in _folders(home)
        for folder in _folders(account / "streams")
    ]
    if not wanted:
        return found
    some = [place for place in found if place.label == wanted]
    if not some:
        raise InspectionError(f"there is no stream {wanted!r} (ACCOUNT/STREAM) in {home}")
    return some


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InspectionError(f"{folder} cannot be looked at: {error.strerror}") from None


def _shown(path: Path) -> str:
    return text_of(os.fsencode(path.name))
