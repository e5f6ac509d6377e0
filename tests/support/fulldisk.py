"""A disk whose room runs out and returns."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pynats_server.jetstream.store.file.disk import Disk


class FullDisk(Disk):
    """The real disk with `room` bytes; None: there is enough. A write that does not fit leaves
    what does, as on a real one. With `only`, others than writes of these bytes always fit."""

    def __init__(self, room: int | None = None, only: bytes = b"") -> None:
        self.room = room
        self.only = only
        self.refused = 0

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self.take(data, lambda part: Disk.write(self, handle, part, offset))

    def take(self, data: bytes, write: Callable[[bytes], None]) -> None:
        if self.room is None or (self.only and self.only not in bytes(data)):
            write(data)
            return
        fits = bytes(data[: self.room])
        self.room -= len(fits)
        write(fits)
        if len(fits) < len(data):
            self.refused += 1
            raise OSError(errno.ENOSPC, "full")


@contextmanager
def disk_of_process(disk: FullDisk) -> Iterator[FullDisk]:
    """Makes it the disk of every store of this process."""
    real = Disk.write

    def write(self: Disk, handle: int, data: bytes, offset: int) -> None:
        disk.take(data, lambda part: real(self, handle, part, offset))

    Disk.write = write  # type: ignore[method-assign]
    try:
        yield disk
    finally:
        Disk.write = real  # type: ignore[method-assign]


__all__ = ["FullDisk", "disk_of_process"]
