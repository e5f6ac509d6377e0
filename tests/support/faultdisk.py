"""Disks that tests watch and fail: each operation is announced by its kind before it happens.

`Attended` adds that to any model of a disk; `Failing` fails some of the operations, `Looked` lets
a test look at the disk before every change.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pynats_server.jetstream.store.file.disk import FULL, Disk

from tests.support.crashdisk import CrashDisk, QuickDisk

CHANGES = ("open", "write", "sync", "sync_folder", "truncate", "rename", "remove", "make_folder")
READS = ("read", "names")
SPACE = frozenset({"open", "write", "rename", "make_folder"})
"""What a full disk refuses."""
FOR_GOOD = 1 << 60


class Attended(Disk):
    """Calls `step` before each operation; what it raises, the operation raises."""

    def step(self, kind: str) -> None:
        """Called with the name of the method."""

    def open(self, path: Path) -> int:
        self.step("open")
        return super().open(path)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self.step("write")
        super().write(handle, data, offset)

    def sync(self, handle: int) -> None:
        self.step("sync")
        super().sync(handle)

    def sync_folder(self, folder: Path) -> None:
        self.step("sync_folder")
        super().sync_folder(folder)

    def truncate(self, handle: int, size: int) -> None:
        self.step("truncate")
        super().truncate(handle, size)

    def rename(self, source: Path, target: Path) -> None:
        self.step("rename")
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self.step("remove")
        super().remove(path)

    def make_folder(self, folder: Path) -> None:
        self.step("make_folder")
        super().make_folder(folder)

    def read(self, path: Path) -> bytes:
        self.step("read")
        return super().read(path)

    def names(self, folder: Path) -> list[str]:
        self.step("names")
        return super().names(folder)


@dataclass(frozen=True)
class Fault:
    """The `nth` operation (from 1) of a kind fails with `code`, and those within the `lasting`
    operations of any kind after it: of a full disk whatever takes space, else the same kind. `kind`
    may be "short", a write of which half gets to the disk, or "any", any change."""

    kind: str
    nth: int
    code: int = errno.EIO
    lasting: int = 0

    @property
    def full(self) -> bool:
        """Whether it is one of a full disk."""
        return self.code in FULL

    def covers(self, kind: str) -> bool:
        """Whether it is about operations of a kind."""
        if self.kind == "any":
            return kind in (SPACE if self.full else CHANGES)
        return kind == self.operation

    @property
    def operation(self) -> str:
        """The kind of operation that fails."""
        return "write" if self.kind == "short" else self.kind


class Failing(Attended):
    """Fails what its `fault` says, from the moment in which it is set."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._left = 0  # until the fault
        self._lasts = -1  # operations for which it still lasts
        self.hits = 0
        self.resting = False  # while the test itself uses the store
        self.counts: Counter[str] = Counter()

    @property
    def fault(self) -> Fault | None:
        """What is going to fail, or fails."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._fault = fault
        self._left = fault.nth if fault is not None else 0
        self._lasts = -1

    @property
    def changed(self) -> int:
        """How many operations were meant to change something."""
        return sum(self.counts[kind] for kind in CHANGES)

    def step(self, kind: str) -> None:
        if self.resting:
            return
        self.counts[kind] += 1
        fault = self._fault
        if fault is None:
            return
        if self._lasts >= 0:  # it has begun
            if not self._lasts:
                self._fault = None
                return
            self._lasts -= 1
            if not (fault.covers(kind) or (fault.full and kind in SPACE)):
                return
        else:
            if not fault.covers(kind):
                return
            self._left -= 1
            if self._left:
                return
            self._lasts = fault.lasting
        self.hits += 1
        raise OSError(fault.code, "injected")

    def write(self, handle: int, data: bytes, offset: int) -> None:
        fault = self._fault
        try:
            super().write(handle, data, offset)
        except OSError:
            if fault is not None and fault.kind == "short":
                self._write_half(handle, data, offset)
            raise

    def _write_half(self, handle: int, data: bytes, offset: int) -> None:
        super(Attended, self).write(handle, bytes(data)[: len(data) // 2], offset)


class FailingDisk(Failing, QuickDisk):
    """The real disk without syncing, that fails."""

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__()
        self.fault = fault


class FailingCrashDisk(Failing, CrashDisk):
    """A disk that fails, and of which images can be taken as a power cut leaves them."""

    def __init__(self, root: Path, in_order: bool = False) -> None:
        Failing.__init__(self)
        CrashDisk.__init__(self, root, in_order)
        self.handles: set[int] = set()

    def open(self, path: Path) -> int:
        handle = super().open(path)
        self.handles.add(handle)
        return handle

    def close(self, handle: int) -> None:
        self.handles.discard(handle)
        super().close(handle)

    def kill(self) -> None:
        """Lets go of all files: the process that used them is gone."""
        for handle in list(self.handles):
            self.close(handle)


class LookedDisk(Attended, CrashDisk):
    """Calls `look` before every change."""

    def __init__(self, root: Path, look: Callable[[], None], in_order: bool = False) -> None:
        super().__init__(root, in_order)
        self.look = look

    def step(self, kind: str) -> None:
        if kind in CHANGES:
            self.look()
