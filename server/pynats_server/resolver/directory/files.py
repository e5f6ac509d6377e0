"""The disk of a folder of JWTs as an object, so that tests can stop or fail it at every step.

JetStream's own would do, but a server without JetStream need not load its stores for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
NOWHERE: Final = (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR)


class TooLarge(OSError):
    """A file that is longer than anything that is kept here."""


class InDoubt(OSError):
    """Something has changed, and nobody knows whether that outlives a power cut."""


class Files:
    """The real thing. Everything raises OSError."""

    def make_folder(self, folder: Path) -> None:
        """Creates a folder and its parents, so that a power cut cannot take them away."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for made in missing:
            self.sync_folder(made.parent)

    def names(self, folder: Path, suffix: str) -> list[tuple[float, str]]:
        """When each file of that name was changed, and its name without the suffix. Empty files are
        none."""
        found = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(suffix) and entry.is_file(follow_symlinks=True):
                    with contextlib.suppress(FileNotFoundError):  # it is gone
                        state = entry.stat()
                        if state.st_size:
                            found.append((state.st_mtime, entry.name.removesuffix(suffix)))
        return found

    def read(self, path: Path, most: int) -> bytes | None:
        """A whole file; None when there is none. Raises TooLarge."""
        try:
            # Without a wait for somebody to write into a pipe.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in NOWHERE:
                return None
            raise
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            with open(handle, "rb", buffering=0, closefd=False) as file:
                data = file.read(most + 1) or b""
                while len(data) <= most and (more := file.read(most + 1 - len(data))):
                    data += more
        finally:
            os.close(handle)
        if len(data) > most:
            raise TooLarge(errno.EFBIG, f"longer than {most} bytes", str(path))
        return data

    def create(self, path: Path, data: bytes) -> None:
        """A file with this content, which is on the disk when this returns."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, FILE_MODE)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        """Takes the place of `target`; for good after `sync_folder`."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Deletes a file if it is there; for good after `sync_folder`."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """What was renamed and removed in a folder is on the disk."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
