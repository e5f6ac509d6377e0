"""The files of consumers, written by threads: those of a loop, shared by all its consumers.

Almost everything is done by native threads without the interpreter lock: a thread of Python would
have to win it back from a busy loop after every system call. There are some, because what several
ask a disk to sync at a time, it does together. The rest goes to the loop's executor.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from pynats_server.core.engine import Engine
from pynats_server.jetstream.store.consumers.folder import PREVIOUS, STATE, ConsumerFiles, Plan
from pynats_server.jetstream.store.file.syncing.ends import Ends
from pynats_server.jetstream.store.file.syncing.syncthread import SyncThreads

THREADS: Final = 8

Done = Callable[[OSError | None], None]


class StateWriter:
    """Makes and removes folders, writes states. Each `done(error)` is called on the loop. Never do
    two things with one consumer at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, engine: Engine | None = None) -> None:
        self._loop = loop
        self._engine = engine  # see `Syncer`
        self._native: SyncThreads | None = None
        self._ends: Ends | None = None
        self._pending: dict[int, Callable[[int], None]] = {}
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
        if not files.disk.native:
            self._write_aside(partial(files.write, sealed, floor, now_s, sync), done)
            return
        forgets, keeps = files.next_write(floor, now_s)
        home = files.home
        place, earlier = b"%b/%b" % (home, STATE.encode()), None
        if keeps:
            earlier = b"%b/%b" % (home, PREVIOUS.encode())
            files.begun(floor, now_s)
        self._threads().replace(
            self._told(done), place, place + b".tmp", home, sealed, files.durable, sync,
            earlier, earlier + b".tmp" if earlier is not None else None, forgets,
        )  # fmt: skip

    async def build(self, plan: Plan, built: Path) -> None:
        """Makes the folder of a new consumer, durably, all of it or nothing; it is put together as
        `built`, a name that is free. Raises OSError."""
        place, new = plan.files.home, os.fsencode(built)
        parts = [(b"%b/%b" % (new, name.encode()), data) for name, data in plan.content.items()]
        code = await self._ended(
            lambda tag: self._threads().build(tag, place, new, _parent(place), parts)
        )
        if code in (errno.ENOTEMPTY, errno.EEXIST):
            name = plan.files.name
            raise FileExistsError(f"files of an earlier consumer are in the way of {name!r}")
        if code:
            raise OSError(code, os.strerror(code))

    async def remove(self, files: ConsumerFiles, doomed: Path) -> OSError | None:
        """Removes a consumer's folder, durably, all of it or nothing, by way of `doomed`, a name
        that is free. Raises OSError if it stays; returns one if a power cut may bring it back."""
        place, gone = files.home, os.fsencode(doomed)
        code = await self._ended(
            lambda tag: self._threads().remove(tag, place, gone, _parent(place))
        )
        if code > 0:
            raise OSError(code, os.strerror(code))
        return OSError(-code, os.strerror(-code)) if code else None

    # -- threads ------------------------------------------------------------------------------

    def _threads(self) -> SyncThreads:
        if self._native is None:
            self._native = SyncThreads(THREADS)
            self._ends = Ends(self._loop, self._engine, self._native.event, self._collect)
        return self._native

    def _told(self, done: Done) -> int:
        """The tag of a job whose end is told."""
        return self._tagged(lambda code: done(OSError(code, os.strerror(code)) if code else None))

    def _tagged(self, ended: Callable[[int], None]) -> int:
        self._tag += 1
        self._pending[self._tag] = ended
        return self._tag

    async def _ended(self, begin: Callable[[int], None]) -> int:
        """The error number of a job that `begin` starts. A cancelled caller resumes only when the
        thread is done."""
        done: asyncio.Future[int] = self._loop.create_future()
        begin(self._tagged(done.set_result))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise

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
            self._pending.pop(tag)(code)

    def close(self) -> None:
        """Ends the threads; nothing may be under way."""
        if self._ends is not None:
            self._ends.close()
            self._ends = None
        if self._native is not None:
            self._native.close()
            self._native = None


def _parent(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]
