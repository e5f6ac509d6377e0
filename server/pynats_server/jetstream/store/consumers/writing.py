"""How far consumers are, written by threads: those of a loop, shared by all its consumers.

Almost every write only replaces `o.dat`, which native threads do without the interpreter lock: a
thread of Python would have to win it back from a busy loop after every system call. What needs more
goes to the loop's executor.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import Final

from pynats_server.core.engine import Engine
from pynats_server.jetstream.store.consumers.folder import ConsumerFiles
from pynats_server.jetstream.store.file.ends import Ends
from pynats_server.jetstream.store.file.syncthread import SyncThreads

THREADS: Final = 2

Done = Callable[[OSError | None], None]


class StateWriter:
    """Writes states. Each `done(error)` is called on the loop. Never write one consumer twice at a
    time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, engine: Engine | None = None) -> None:
        self._loop = loop
        self._engine = engine  # see `Syncer`
        self._native: SyncThreads | None = None
        self._ends: Ends | None = None
        self._pending: dict[int, Done] = {}
        self._tag = 0
        self._aside: set[asyncio.Future[None]] = set()

    @property
    def busy(self) -> int:
        """How many writes are under way."""
        return len(self._pending) + len(self._aside)

    def write(
        self, files: ConsumerFiles, sealed: bytes, floor: int, sync: bool, done: Done
    ) -> None:
        """Has a state of this ack floor (a stream sequence) replace the last one; with `sync` it is
        durable then."""
        now_s = self._loop.time()
        if not (files.disk.native and files.is_plain(floor, now_s)):
            self._write_aside(partial(files.write, sealed, floor, now_s, sync), done)
            return
        if self._native is None:
            self._native = SyncThreads(THREADS)
            self._ends = Ends(self._loop, self._engine, self._native.event, self._collect)
        self._tag += 1
        self._pending[self._tag] = done
        self._native.replace(
            self._tag, files.place, files.temporary, files.home, sealed, files.durable, sync
        )

    def _write_aside(self, work: Callable[[], None], done: Done) -> None:
        running = self._loop.run_in_executor(None, work)
        self._aside.add(running)

        def ended(_: asyncio.Future[None]) -> None:
            self._aside.discard(running)
            error = running.exception()
            if error is not None and not isinstance(error, OSError):
                done(OSError(str(error) or repr(error)))
                raise error  # the loop's handler reports it
            done(error)

        running.add_done_callback(ended)

    def _collect(self) -> None:
        assert self._native is not None
        for tag, code in self._native.finished():
            self._pending.pop(tag)(OSError(code, os.strerror(code)) if code else None)

    def close(self) -> None:
        """Ends the threads; nothing may be under way."""
        if self._ends is not None:
            self._ends.close()
            self._ends = None
        if self._native is not None:
            self._native.close()
            self._native = None
