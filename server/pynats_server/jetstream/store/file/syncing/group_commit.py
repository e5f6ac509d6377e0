"""Group commit: what was written during one fsync shares the next, in a thread.

`Syncer` owns the threads of one loop: native ones that only sync, and one Python worker for file
work of any other kind. `Committer` is one store's side: it gathers what needs syncing, who waits
for it, and the tasks (deleting, replacing files) that may only run after it. Without an event
loop everything happens in the caller (tests, tools, shutdown).
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pynats_server.core.engine import Engine
from pynats_server.jetstream.store.file.disk import FULL, Disk, InDoubt
from pynats_server.jetstream.store.file.syncing.ends import Ends
from pynats_server.jetstream.store.file.syncing.sync_times import SyncTimes
from pynats_server.jetstream.store.file.syncing.syncthread import SyncThreads

AGAIN_S = 1.0  # until file work that found no room is tried again
CLOSING_MAX = 16  # handles kept open for the sake of a sync that nobody waits for

Done = Callable[[OSError | None], None]
Job = tuple[Callable[[], None], Done]


class Syncer:
    """The threads shared by the stores of one loop. `threads` bounds the fsyncs at a time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        threads: int = 4,
        engine: Engine | None = None,
    ) -> None:
        self.loop = loop
        self._engine = engine  # which takes what has ended in its turns, or else the loop does
        self._count = threads
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._worker: threading.Thread | None = None
        self._untold = 0  # jobs of the worker whose callback has not run yet
        self._ended: deque[tuple[Done, OSError | None]] = (
            deque()
        )  # by the worker, callbacks not run yet
        self._native: SyncThreads | None = None
        self._ends: Ends | None = None
        self.times = SyncTimes()
        self._pending: dict[int, tuple[Done, float]] = {}  # and when it was handed over
        self._folders: dict[int, list[int]] = {}
        self._tag = 0

    def run(self, work: Callable[[], None], done: Done) -> None:
        """Run `work` off the loop, one after the other, then `done(error)` on the loop."""
        if self.loop is None:
            done(_attempt(work))
            return
        if self._worker is None:
            self._worker = threading.Thread(target=self._serve, name="store-work", daemon=True)
            self._worker.start()
        self._untold += 1
        self._queue.put((work, done))

    def _serve(self) -> None:
        assert self.loop is not None
        while (job := self._queue.get()) is not None:
            work, done = job
            self._ended.append((done, _contain(work)))
            try:
                self.loop.call_soon_threadsafe(self._tell_ended)
            except RuntimeError:  # the loop was closed: no callback can run
                return

    def _tell_ended(self) -> None:
        while self._ended:
            done, error = self._ended.popleft()
            self._untold -= 1
            done(error)

    def sync(self, disk: Disk, files: list[int], folders: list[Path], done: Done) -> None:
        """Sync files, then folders, off the loop; `done(error)` on it. Files stay open until
        then. A disk with its own way to sync (a test's) is asked, in the worker."""
        if self.loop is None or not disk.native:
            self.run(lambda: _sync(disk, files, folders), done)
            return
        if self._native is None:
            self._native = SyncThreads(self._count)
            self._ends = Ends(self.loop, self._engine, self._native.event, self._collect)
        opened: list[int] = []
        try:
            for folder in folders:
                opened.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError as error:
            for handle in opened:
                os.close(handle)
            self.loop.call_soon(done, error)
            return
        self._tag += 1
        self._pending[self._tag] = done, time.perf_counter()
        self._folders[self._tag] = opened
        self._native.submit(self._tag, files, opened)
        if self._engine is not None:
            self._engine.vigil.expected += 1

    def _collect(self) -> None:
        assert self._native is not None
        for tag, code in self._native.finished():
            if self._engine is not None:
                self._engine.vigil.expected -= 1
            for handle in self._folders.pop(tag):
                os.close(handle)
            done, began = self._pending.pop(tag)
            self.times.add(time.perf_counter() - began)
            done(OSError(code, os.strerror(code)) if code else None)

    def settle(self) -> None:
        """Block until all work and its follow-up is done and the callbacks have run."""
        while True:
            if self._native is not None:
                self._native.wait_idle()
                self._collect()
            if self._untold:
                reached = threading.Event()
                self.run(reached.set, lambda _: None)
                reached.wait()
                self._tell_ended()
            if not self._pending and not self._untold:
                return

    def close(self) -> None:
        """End the threads after what is queued."""
        self.settle()
        if self._worker is not None:
            self._queue.put(None)
            self._worker.join()
            self._worker = None
        if self._ends is not None:
            self._ends.close()
            self._ends = None
        if self._native is not None:
            self._native.close()
            self._native = None


@dataclass(slots=True)
class Task:
    """File work that must not run before what was written until now is durable. `must`: a
    commit asked for from now on waits for it too. `lazy`: it is no reason for a sync. `done` runs
    on the loop. Without it, or with `again`, the work is tried until the disk has room for it."""

    work: Callable[[], None]
    done: Done | None = None
    must: bool = False
    closing: bool = False
    lazy: bool = False
    again: bool = False

    def waits(self, error: OSError | None) -> bool:
        """Whether the work has to be done again, as nothing but room was missing."""
        if error is None or error.errno not in FULL or isinstance(error, InDoubt):
            return False
        return self.again or self.done is None


@dataclass(slots=True)
class _Cycle:
    waiting: list[Done] = field(default_factory=list)
    files: dict[int, None] = field(default_factory=dict)
    folders: dict[Path, None] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    mark: Any = None

    @property
    def must(self) -> bool:
        """Whether commits wait for one of the tasks."""
        return any(task.must for task in self.tasks)


class Committer:
    """One store's queue. `fail` is told of the first error; after it nothing runs any more."""

    def __init__(self, syncer: Syncer, disk: Disk, fail: Callable[[OSError], None]) -> None:
        self.syncer = syncer
        self.disk = disk
        self._fail = fail
        self._next = _Cycle()
        self._syncing = False
        self._doing = 0
        self._must = 0
        self._put_off: list[_Cycle] = []  # until there is room
        self._waits = False  # for room: nothing that is queued overtakes it
        self._armed = False  # to try again
        self.mark: Callable[[], Any] = lambda: None  # what has been written
        self.on_durable: Callable[[Any], None] = lambda _: None  # told that mark when it is durable
        self._failed: OSError | None = None

    def end(self, error: Exception) -> None:
        """The store has failed: no more file work, it may rely on what is taken back."""
        ended = error if isinstance(error, OSError) else OSError(str(error))
        self._failed = self._failed or ended

    @property
    def busy(self) -> bool:
        """Whether threads still work on something of this store."""
        return self._syncing or self._doing > 0

    def written(self, handle: int) -> None:
        """A file has bytes (or a size) that are not durable yet."""
        self._next.files[handle] = None

    def created(self, folder: Path) -> None:
        """A folder has entries that are not durable yet."""
        self._next.folders[folder] = None

    def forget(self, handle: int) -> None:
        """A file's new bytes no longer matter. It may be in a sync that runs now."""
        self._next.files.pop(handle, None)

    def close_later(self, handle: int) -> None:
        """Release a handle once no running sync can touch it."""
        self.after(Task(lambda: self.disk.close(handle), closing=True))

    def after(self, task: Task) -> None:
        """Queue file work behind the next sync."""
        self._next.tasks.append(task)

    @property
    def has_tasks(self) -> bool:
        """Whether file work waits for a sync that should come soon."""
        tasks = self._next.tasks
        return len(tasks) > CLOSING_MAX or not all(task.closing or task.lazy for task in tasks)

    def wait(self, done: Done) -> None:
        """Call `done` when everything noted so far is durable."""
        self._next.waiting.append(done)
        self.start()

    def start(self) -> None:
        """Begin a sync unless one runs; then the next begins when it ends."""
        if self._syncing:
            return
        if self.syncer.loop is None:
            self._collect_put_off()
        cycle, self._next = self._next, _Cycle()
        cycle.mark = self.mark()
        self._syncing = True
        if self._failed is not None:
            self._synced(cycle, self._failed)
        elif cycle.files or cycle.folders:
            self.syncer.sync(
                self.disk,
                list(cycle.files),
                list(cycle.folders),
                lambda error: self._synced(cycle, error),
            )
        else:
            self._synced(cycle, None)

    def _synced(self, cycle: _Cycle, error: OSError | None) -> None:
        self._syncing = False
        if error is not None and self._failed is None:
            # After one failed fsync the kernel may have dropped the pages: never retry.
            self._failed = error
            self._fail(error)
        if self._failed is None:
            self.on_durable(cycle.mark)
        if self._failed is None and (cycle.tasks or (self._must and cycle.waiting)):
            self._run(cycle)
        else:
            self._tell(cycle.waiting)
        if self._next.waiting or self._next.tasks:
            self.start()

    def _run(self, cycle: _Cycle) -> None:
        must = cycle.must
        self._must += must
        self._doing += 1
        errors: list[OSError | None] = []
        held = cycle.waiting if self._must else []
        attempt = _attempt if self.syncer.loop is None else _contain

        def work() -> None:
            if self._waits:
                return
            for task in cycle.tasks:
                error = attempt(task.work)
                errors.append(error)
                self._waits = task.waits(error)
                if self._waits or (error is not None and task.done is None):
                    return  # what follows may rely on it

        def done(_: OSError | None) -> None:
            self._doing -= 1
            self._must -= must
            if cycle.tasks and not errors:
                self._put_off_from(cycle.tasks, held)
                return
            for task, error in zip(cycle.tasks, errors, strict=False):
                if task.waits(error):
                    self._put_off_from(cycle.tasks[len(errors) - 1 :], held)
                    return
                self._finish(task, error)
            self._tell(held)

        if not held:
            self._tell(cycle.waiting)
        self.syncer.run(work, done)

    def _put_off_from(self, tasks: list[Task], held: list[Done]) -> None:
        """Try these again in a while; who waited for all of them goes on waiting."""
        self._put_off.append(_Cycle(tasks=tasks))
        self._tell(held)
        self._arm()

    def _arm(self) -> None:
        loop = self.syncer.loop
        if loop is not None and not self._armed:
            self._armed = True
            loop.call_later(AGAIN_S, self._take_up)

    def _take_up(self) -> None:
        self._armed = False
        if self._doing:
            self._arm()  # more may have to be put off
            return
        self._collect_put_off()
        if self._next.tasks or self._next.waiting:
            self.start()

    def _collect_put_off(self) -> None:
        for cycle in reversed(self._put_off):
            self._next.tasks = cycle.tasks + self._next.tasks
            self._next.waiting = cycle.waiting + self._next.waiting
        self._put_off.clear()
        self._waits = False

    def _finish(self, task: Task, error: OSError | None) -> None:
        if task.done is not None:
            task.done(error)
        elif error is not None and self._failed is None:
            self._failed = error
            self._fail(error)

    def _tell(self, waiting: list[Done]) -> None:
        for cycle in self._put_off if self._failed is None else ():
            if cycle.must:  # something that was promised is not done
                cycle.waiting += waiting
                return
        for callback in waiting:
            callback(self._failed)

    def drain(self) -> None:
        """Do everything noted so far in the caller (truncation, shutdown); raises OSError."""
        self.syncer.settle()
        self._collect_put_off()
        cycle, self._next = self._next, _Cycle()
        if self._failed is None:
            mark = self.mark()
            error = _attempt(lambda: _sync(self.disk, list(cycle.files), list(cycle.folders)))
            if error is not None:
                self._failed = error
                self._fail(error)
            else:
                self.on_durable(mark)
        for at, task in enumerate(cycle.tasks):
            if self._failed is not None:
                break
            error = _attempt(task.work)
            if task.waits(error):
                self._put_off.append(_Cycle(tasks=cycle.tasks[at:]))
                self._waits = True
                self._arm()
                break
            self._finish(task, error)
        self._tell(cycle.waiting)
        if self._failed is not None:
            raise self._failed

    def abandon(self) -> None:
        """Call back everyone still waiting, without syncing (a failed store closes)."""
        self._collect_put_off()
        cycle, self._next = self._next, _Cycle()
        for task in cycle.tasks:
            if task.closing:
                _attempt(task.work)
        self._tell(cycle.waiting)


def _sync(disk: Disk, files: list[int], folders: list[Path]) -> None:
    for handle in files:
        disk.sync(handle)
    for folder in folders:
        disk.sync_folder(folder)


def _attempt(work: Callable[[], None]) -> OSError | None:
    try:
        work()
    except OSError as error:
        return error
    return None


def _contain(work: Callable[[], None]) -> OSError | None:
    """As `_attempt`, in a thread: a bug of ours ends the store that met it. If it ended the thread,
    every store would wait for ever."""
    try:
        return _attempt(work)
    except Exception as error:
        return OSError(errno.EIO, f"internal error, please report: {error!r}")
