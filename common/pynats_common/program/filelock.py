"""A lock between processes, for files that several programs read, change and write again.

The operating system holds it for an open file, so it ends with its process, however that dies. The
lock's file says who holds it; it is removed with the lock, and one that a killed process left
behind is free.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# A command holds a lock for milliseconds, with an account server in between for some seconds.
WAIT_S = 30.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.05
_HOLDER_BYTES_MAX = 200
# Windows locks ranges, which nobody else may then read: one beyond the text.
_RANGE_START = 1 << 20


class LockTimeoutError(Exception):
    """The lock is still held by somebody else; `holder` says by whom, if that is known."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is locked by {holder or 'another program'}")
        self.path = path
        self.holder = holder


@contextmanager
def hold_lock(path: Path, purpose: str, wait_s: float | None = None) -> Iterator[None]:
    """Holds the lock of this file; the folder must exist.

    `purpose` is shown to those who wait in vain (WAIT_S unless given): no secrets. Raises
    LockTimeoutError, and OSError where the file cannot be made.
    """
    handle = _acquire(path, WAIT_S if wait_s is None else wait_s)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f"{purpose} (process {os.getpid()})".encode()[:_HOLDER_BYTES_MAX])
        yield
    finally:
        # Before it is let go: afterwards the file could be somebody else's lock.
        with suppress(OSError):
            path.unlink()
        os.close(handle)


def _acquire(path: Path, wait_s: float) -> int:
    deadline = time.monotonic() + wait_s
    pause_s = _FIRST_PAUSE_S
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _try_lock(handle) and _is_current(handle, path):
                return handle
            holder = os.read(handle, _HOLDER_BYTES_MAX).decode("utf-8", "replace")
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if time.monotonic() >= deadline:
            raise LockTimeoutError(path, holder.strip())
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


def _is_current(handle: int, path: Path) -> bool:
    """Whether the file is still this path's: the previous holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _try_lock(handle: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _RANGE_START, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
