"""The locks of one run: an operator's, for as long as the command changes it, and nsc.json's."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import make_dir
from pynats_common.program.filelock import LockTimeoutError, hold_lock

LOCK_FILE = ".lock"


class Locks:
    """Operators' folders that this run holds; `purpose` is what others are told."""

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        self._held: set[Path] = set()
        self._stack = contextlib.ExitStack()

    def take(self, folder: Path) -> None:
        """Holds an operator's folder until `release`; makes it if it is missing."""
        if folder in self._held:
            return
        # One that is still empty at the end, because the command failed, is removed again. That
        # can happen to another command's folder between the two steps.
        for _ in range(100):
            for made in make_dir(folder):
                self._stack.callback(_remove_empty, made)
            try:
                self._stack.enter_context(locked(folder / LOCK_FILE, self.purpose))
            except FileNotFoundError:
                continue
            self._held.add(folder)
            return
        raise StoreError(f"cannot create {folder}", "other commands remove it")

    def release(self) -> None:
        self._held.clear()
        self._stack.close()

    def __bool__(self) -> bool:
        return bool(self._held)


@contextlib.contextmanager
def locked(path: Path, purpose: str) -> Iterator[None]:
    """Holds the lock of one file. Raises StoreError when it cannot be had."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(path, purpose))
        except LockTimeoutError as error:
            holder = error.holder or "another program"
            raise StoreError(f"{path.parent} is being changed by {holder}",
                             "try again when that has ended") from None  # fmt: skip
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreError(
                f"cannot lock {path}: {error.strerror}", "nothing was changed"
            ) from None
        yield


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def purpose_of(program: str, command: str) -> str:
    """What others are told about this run: never its options, which may hold seeds."""
    return f"{Path(sys.argv[0]).name or program} {command}".replace("__main__.py", program)
