"""The folder of JetStream's files: checked, made and locked before anything reads it.

Tools and client libraries look for the real server's words about a folder that cannot be used.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pynats_common.go.errno import error_text

from pynats_server.jetstream.context import FOLDER, STAGING
from pynats_server.jetstream.store.file.disk import FULL

TEMPORARY = "Temporary storage directory used, data could be lost on system reboot"
_MODE = 0o700  # streams are for this user alone


class StoreFolderError(OSError):
    """The folder cannot be used; the text says why."""


class StoreInUse(StoreFolderError):
    """Another server works in the same folder."""


@dataclass(slots=True)
class StoreFolder:
    """A folder that this server has for itself until `release`. `store_dir` is as configured, the
    accounts' folders are in `store_dir / FOLDER`; `warnings` are for the log. One made for this
    server goes away with it if there is nothing in it."""

    store_dir: Path
    lock: int
    made_for_this: bool = False
    warnings: list[str] = field(default_factory=list)

    def release(self) -> None:
        """Lets another server have it. Idempotent."""
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1
            if self.made_for_this:
                folder = self.store_dir / FOLDER
                with contextlib.suppress(OSError):  # not empty: stays
                    (folder / STAGING).rmdir()
                    folder.rmdir()
                    self.store_dir.rmdir()


def usual() -> Path:
    """Where files go when no folder is configured."""
    return Path(tempfile.gettempdir()) / "nats"


def take(configured: Path | None) -> StoreFolder:
    """The configured folder, or one below the temporary folder. Raises StoreFolderError."""
    if configured is not None:
        return _take(configured)
    folder = usual()
    try:
        taken = _take(folder)
    except StoreFolderError as error:
        # Another server's, or another user's: tests and trials start several side by side.
        own = Path(tempfile.mkdtemp(prefix="nats-", dir=folder.parent))
        taken = _take(own)
        taken.made_for_this = True
        taken.warnings.append(f"{error}: this server keeps its streams in {own}, until the next "
                              "start; name a folder in store_dir to keep them")  # fmt: skip
    taken.warnings.insert(0, TEMPORARY)
    return taken


def _take(store_dir: Path) -> StoreFolder:
    folder = store_dir / FOLDER
    _make(folder)
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(folder, error_text(error)) from error
    taken = StoreFolder(store_dir, lock)
    try:
        _lock(folder, lock)
        _make_staging(folder)
    except StoreFolderError:
        taken.release()
        raise
    return taken


def _make(folder: Path) -> None:
    try:
        found: os.stat_result | None = folder.stat()
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as error:  # ValueError: a NUL
        reason = error_text(error) if isinstance(error, OSError) else str(error)
        raise StoreFolderError(
            f"storage directory is not a directory: {folder}: {reason}"
        ) from error
    if found is None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=_MODE)
        except OSError as error:
            place = os.fsdecode(error.filename or folder)
            raise StoreFolderError(
                f"could not create storage directory - mkdir {place}: {error_text(error)}"
            ) from error
    elif not folder.is_dir():
        raise StoreFolderError(f"storage directory is not a directory: {folder}")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _unwritable(folder, "permission denied")


def _unwritable(folder: Path, reason: str) -> StoreFolderError:
    return StoreFolderError(f"storage directory is not writable: {folder}: {reason}")


def _lock(folder: Path, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreInUse(f"{folder} is in use by another server") from None


def _make_staging(folder: Path) -> None:
    staging = folder / STAGING
    if staging.is_dir():  # what is in it goes later (`JetStreamContext.remove_leftovers`)
        return
    # Made while there is room, so that streams can be deleted on a full disk.
    try:
        staging.mkdir(mode=_MODE, exist_ok=True)
    except OSError as error:
        if error.errno not in FULL:
            raise _unwritable(folder, error_text(error)) from error
