"""A disk that models power cuts: POSIX guarantees only synced data.

Files are inodes with durable content and writes not yet synced; folders are names with changes
not yet synced. An image keeps any subset of either, writes whole or torn. A file's own sync does
not make its name durable; only its folder's does.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pynats_server.jetstream.store.file.disk import Disk

COPIES = 100  # tries to copy a folder in use


def copy_tree(folder: Path, target: Path) -> None:
    """Copies a folder while it is in use: what a process leaves that is killed now."""
    for _ in range(COPIES):
        shutil.rmtree(target, ignore_errors=True)
        try:
            shutil.copytree(folder, target)
        except (shutil.Error, FileNotFoundError):  # a file went meanwhile
            continue
        return
    raise AssertionError(f"{folder} changes all the time")


class QuickDisk(Disk):
    """The real disk without syncing, for speed."""

    def sync(self, handle: int) -> None:
        """Taken for granted."""

    def sync_folder(self, folder: Path) -> None:
        """Taken for granted."""


@dataclass(eq=False)
class Inode:
    """`pending` holds (offset, bytes) of writes, or (size, None) of cuts."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def image(self, chance: random.Random, in_order: bool) -> bytes:
        content = bytearray(self.durable)
        for offset, data in self.pending:
            fate = chance.randrange(3)
            if fate == 0 and in_order:
                break
            if fate == 0:
                continue
            if data is None:
                del content[offset:]
                continue
            piece = data if fate == 1 else data[: chance.randrange(len(data) + 1)]
            content.extend(bytes(max(0, offset + len(piece) - len(content))))
            content[offset : offset + len(piece)] = piece
            if in_order and fate == 2:
                break
        return bytes(content)


@dataclass(frozen=True)
class Move:
    """A folder that got another name, with all that is in it."""

    source: Path
    target: Path

    def apply(self, names: dict[Path, Inode]) -> None:
        for path in [path for path in names if self.source in path.parents]:
            names[self.done(path)] = names.pop(path)

    def done(self, path: Path) -> Path:
        """Where a file is after it."""
        if self.source not in path.parents:
            return path
        return self.target / path.relative_to(self.source)

    def undone(self, path: Path) -> Path:
        """Where a file is if it did not happen."""
        return Move(self.target, self.source).done(path)

    def is_durable_with(self, folder: Path) -> bool:
        """Whether it is when this folder is synced."""
        return folder in (self.source.parent, self.target.parent, self.target)


class CrashDisk(QuickDisk):
    """The real disk below `root`, with a model of its durable part. `in_order`: the writes to one
    file get lost from the last one on, but not those to several files."""

    def __init__(self, root: Path, in_order: bool = False) -> None:
        self.root = root
        self.in_order = in_order
        self.names_now: dict[Path, Inode] = {}
        self.names_durable: dict[Path, Inode] = {}
        self.changes: list[tuple[Path, Inode | None] | Move] = []
        self.open_files: dict[int, Path] = {}
        self.inodes: dict[int, Inode] = {}

    def _set(self, path: Path, inode: Inode | None) -> None:
        if inode is None:
            self.names_now.pop(path, None)
        else:
            self.names_now[path] = inode
        self.changes.append((path, inode))

    def open(self, path: Path) -> int:
        handle = super().open(path)
        if path not in self.names_now:
            self._set(path, Inode(path.read_bytes()))
        self.inodes[handle] = self.names_now[path]
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        super().write(handle, data, offset)
        self.inodes[handle].pending.append((offset, bytes(data)))

    def truncate(self, handle: int, size: int) -> None:
        super().truncate(handle, size)
        self.inodes[handle].pending.append((size, None))

    def sync(self, handle: int) -> None:
        inode = self.inodes[handle]
        for offset, data in inode.pending:
            content = bytearray(inode.durable)
            if data is None:
                del content[offset:]
            else:
                content.extend(bytes(max(0, offset + len(data) - len(content))))
                content[offset : offset + len(data)] = data
            inode.durable = bytes(content)
        inode.pending.clear()

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        if target.is_dir():
            move = Move(source, target)
            move.apply(self.names_now)
            self.changes.append(move)
            return
        self._set(target, self.names_now[source])
        self._set(source, None)

    def remove(self, path: Path) -> None:
        super().remove(path)
        if path in self.names_now:
            self._set(path, None)

    def sync_folder(self, folder: Path) -> None:
        later: list[tuple[Path, Inode | None] | Move] = []
        for change in self.changes:
            if isinstance(change, Move):
                if change.is_durable_with(folder):
                    change.apply(self.names_durable)
                    later = [
                        one if isinstance(one, Move) else (change.done(one[0]), one[1])
                        for one in later
                    ]
                else:
                    later.append(change)
                continue
            path, inode = change
            if path.parent != folder:
                later.append(change)
            elif inode is None:
                self.names_durable.pop(path, None)
            else:
                self.names_durable[path] = inode
        self.changes = later

    def forget(self, folder: Path) -> None:
        """A folder that somebody else has removed: no image has it."""
        for names in (self.names_now, self.names_durable):
            for path in [path for path in names if folder in path.parents]:
                del names[path]
        self.changes = [
            one for one in self.changes if isinstance(one, Move) or folder not in one[0].parents
        ]

    def images(self, count: int, chance: random.Random, target: Path) -> Iterator[Path]:
        """Write `count` folders that a power cut now could leave, one after the other."""
        for _ in range(count):
            names = dict(self.names_durable)
            undone: list[Move] = []
            for change in self.changes:
                happened = chance.random() >= 0.5
                if isinstance(change, Move):
                    if happened:
                        change.apply(names)
                    else:
                        undone.append(change)
                    continue
                if not happened:
                    continue
                path, inode = change
                for move in reversed(undone):
                    path = move.undone(path)
                if inode is None:
                    names.pop(path, None)
                else:
                    names[path] = inode
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            for path, inode in names.items():
                place = target / path.relative_to(self.root)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(inode.image(chance, self.in_order))
            yield target
