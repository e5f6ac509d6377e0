"""A disk whose room runs out and returns."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pynats_server.jetstream.store.file.disk import Disk


class FullDisk(Disk):
    """The real disk with `room` bytes; None: there is enough. A write that does not fit leaves
    what does, as on a real one. Others always fit than writes of the bytes `only`, and to files
    with `below` in their paths."""

    def __init__(self, room: int | None = None, only: bytes = b"", below: str = "") -> None:
        self.room = room
        self.only = only
        self.below = below
        self.code = errno.ENOSPC
        self.refused = 0

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self.take(handle, data, lambda part: Disk.write(self, handle, part, offset))

    def take(self, handle: int, data: bytes, write: Callable[[bytes], None]) -> None:
        room = self.room  # the test may set another one while a thread is here
        if room is None or self._is_other(handle, data):
            write(data)
            return
        fits = bytes(data[:room])
        if self.room == room:
            self.room = room - len(fits)
        write(fits)
        if len(fits) < len(data):
            self.refused += 1
            raise OSError(self.code, os.strerror(self.code))

    def _is_other(self, handle: int, data: bytes) -> bool:
        if self.only and self.only not in bytes(data):
            return True
        path = Path(f"/proc/self/fd/{handle}")
        return bool(self.below) and self.below not in str(path.readlink())


@contextmanager
def disk_of_process(disk: FullDisk) -> Iterator[FullDisk]:
    """Makes it the disk of every store of this process."""
    real = Disk.write

    def write(self: Disk, handle: int, data: bytes, offset: int) -> None:
        disk.take(handle, data, lambda part: real(self, handle, part, offset))

    Disk.write = write  # type: ignore[method-assign]
    try:
        yield disk
    finally:
        Disk.write = real  # type: ignore[method-assign]


__all__ = ["FullDisk", "disk_of_process"]
