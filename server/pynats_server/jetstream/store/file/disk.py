"""The disk as an object, so that tests can record, tear and fail what a store does to it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple

from pynats_server.jetstream.store.file.syncing.syncthread import sync_together

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # errors of a full disk
CANNOT_RESERVE = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}  # of file systems


class InDoubt(OSError):
    """A file has been replaced, and nobody knows whether that will outlive a power cut."""


class Room(NamedTuple):
    """A file that is to take the place of another."""

    place: Path
    handle: int


class NotAFile(OSError):
    """Something else is in a file's place: a folder, a pipe, a device, a link to nowhere."""


class Disk:
    """The real thing. Handles are file descriptors; paths are `Path`s."""

    @property
    def native(self) -> bool:
        """Whether syncing is the plain system call, which threads without Python may make."""
        return type(self).sync is Disk.sync and type(self).sync_folder is Disk.sync_folder

    def open(self, path: Path) -> int:
        """Open for reading and writing, created 0600 when missing."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`."""
        view = memoryview(data)
        while view:
            done = os.pwrite(handle, view, offset)
            view, offset = view[done:], offset + done

    def sync(self, handle: int) -> None:
        """Data (and size) of the file reach the medium before this returns."""
        os.fdatasync(handle)

    def sync_together(self, handles: list[int], folder: Path) -> None:
        """`sync` of each of the files and `sync_folder`, in any order."""
        if not self.native:
            for handle in handles:
                self.sync(handle)
            self.sync_folder(folder)
            return
        home = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sync_together(handles, [home])
        finally:
            os.close(home)

    def truncate(self, handle: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(handle, size)

    def close(self, handle: int) -> None:
        """Release a handle."""
        os.close(handle)

    def read(self, path: Path) -> bytes:
        """Whole content; raises FileNotFoundError, NotAFile."""
        try:
            # Without a wait for somebody to write into a pipe.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            nowhere = error.errno == errno.ENOENT and path.is_symlink()
            if nowhere or error.errno in (errno.ELOOP, errno.ENXIO):
                raise NotAFile(error.errno, error.strerror, str(path)) from None
            raise
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise NotAFile(errno.EINVAL, "not a file", str(path))
            with open(handle, "rb", buffering=0, closefd=False) as file:
                return file.readall()
        finally:
            os.close(handle)

    def glance(self, path: Path, most: int) -> tuple[int, bytes] | None:
        """(size, the last `most` bytes), or None when there is no such file. Raises NotAFile."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            if path.is_symlink():
                raise NotAFile(error.errno, error.strerror, str(path)) from None
            return None
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise NotAFile(errno.EINVAL, "not a file", str(path))
            return found.st_size, os.pread(handle, most, max(0, found.st_size - most))
        finally:
            os.close(handle)

    def names(self, folder: Path) -> list[str]:
        """Names in a folder, sorted; empty when there is none."""
        try:
            return sorted(path.name for path in folder.iterdir())
        except FileNotFoundError:
            return []

    def make_folder(self, folder: Path) -> None:
        """Create a folder (0700) and its parents."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def rename(self, source: Path, target: Path) -> None:
        """Atomically replace `target`; durable after `sync_folder`."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Delete a file if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Creations, renames and deletions in a folder reach the medium."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def make_room(self, place: Path, size: int) -> Room:
        """A new file that has its room on the disk already. Raises OSError, and then there is none
        of that name."""
        self.remove(place)
        room = Room(place, self.open(place))
        try:
            self.reserve(room.handle, size)
        except OSError:
            self.give_up(room)
            raise
        return room

    def reserve(self, handle: int, size: int) -> None:
        """The file has room for `size` bytes, as far as the file system can promise it."""
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError as error:
            if error.errno not in CANNOT_RESERVE:
                raise

    def give_up(self, room: Room) -> None:
        """Room that is not needed."""
        self.close(room.handle)
        self.remove(room.place)

    def replace(self, path: Path, data: bytes, room: Room | None = None) -> None:
        """Write a whole file so that a crash leaves the old or the new content. `room` is used up,
        but stays if this fails."""
        temporary = path.with_name(path.name + ".tmp") if room is None else room.place
        if room is None:
            self.remove(temporary)
            handle = self.open(temporary)
        else:
            handle = room.handle
        try:
            self.write(handle, data, 0)
            if room is not None:
                self.truncate(handle, len(data))
            self.sync(handle)
            self.rename(temporary, path)
        except OSError:
            if room is None:
                self.close(handle)
                self.remove(temporary)
            raise
        self.close(handle)
        try:
            self.sync_folder(path.parent)
        except OSError as error:
            raise InDoubt(error.errno, error.strerror, str(path)) from error


def make_durable_folder(folder: Path) -> None:
    """Create a folder (0700) with its parents; what is put into it cannot vanish with one of
    them. Raises OSError."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in missing:
        Disk().sync_folder(made.parent)


def move_durably(disk: Disk, source: Path, target: Path) -> None:
    """Gives a folder its place. On an error it is where it was. Raises OSError."""
    disk.rename(source, target)
    try:
        disk.sync_folder(target.parent)
    except OSError:
        disk.rename(target, source)
        raise


def put_aside(disk: Disk, folder: Path, doomed: Path) -> OSError | None:
    """Renames a folder that is to be removed, so that a crash leaves all of it or nothing under its
    name. Raises OSError if the folder stays; returns one if a power cut may bring it back."""
    disk.rename(folder, doomed)
    try:
        disk.sync_folder(folder.parent)
    except OSError as error:
        try:
            disk.rename(doomed, folder)
        except OSError:  # renamed for good: do not report that it stayed
            return error
        raise
    return None
