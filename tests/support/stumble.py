"""Makes the nth file operation of this process fail, or kills the process there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPERATIONS = (
    "mkdir", "rename", "replace", "unlink", "rmdir", "pwrite", "ftruncate", "fsync", "fdatasync",
)  # fmt: skip


NEED_ROOM = ("mkdir", "open", "pwrite")  # of what is not there yet


class Stumble:
    """Counts the operations that change files, and calls `on_reached` instead of the `at`th
    (and, if `lasting`, of every later one). Only those of `kinds` count."""

    def __init__(
        self,
        at: int,
        on_reached: Callable[[], Any],
        lasting: bool = False,
        kinds: tuple[str, ...] = (*OPERATIONS, "open"),
    ) -> None:
        self.at = at
        self.lasting = lasting
        self.kinds = kinds
        self.count = 0
        self.what = ""
        self._on_reached = on_reached

    @property
    def reached(self) -> bool:
        """Whether there were that many operations."""
        return self.count >= self.at

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            is_there = name in ("mkdir", "open") and Path(args[0]).exists()
            if name not in self.kinds or (self.kinds == NEED_ROOM and is_there):
                return real(*args, **kwargs)
            self.count += 1
            if self.count == self.at or (self.lasting and self.count > self.at):
                self.what += f" {name}({args[0]!r})"
                self._on_reached()
            return real(*args, **kwargs)

        return operation

    def open_to_write(self, real: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = self.wrap("open", real)

        def operation(path: Any, flags: int, *args: Any, **kwargs: Any) -> Any:
            return (wrapped if flags & os.O_CREAT else real)(path, flags, *args, **kwargs)

        return operation


@contextmanager
def stumbling(stumble: Stumble) -> Iterator[Stumble]:
    """Lets `stumble` count the file operations of `os` and of functions that use it."""
    saved = {name: getattr(os, name) for name in (*OPERATIONS, "open")}
    for name in OPERATIONS:
        setattr(os, name, stumble.wrap(name, saved[name]))
    os.open = stumble.open_to_write(saved["open"])
    try:
        yield stumble
    finally:
        for name, real in saved.items():
            setattr(os, name, real)
