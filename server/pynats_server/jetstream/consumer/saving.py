"""How far consumers are is saved soon after it has changed, in threads.

A change waits `SOON_S`, so that those of the meantime share one write; an acknowledgement that asks
for an answer has the state written at once, and all that come while it is being written share the
next write. A consumer is never written twice at a time. A small state is encoded at once, and takes
a share of the loop's time at most; a large one in a thread, from a snapshot, one of an account at a
time. Writing takes a share of a thread's time: after a large one, the next waits longer.

What cannot be written stays as it was on the disk and is tried again by itself. Who waited for it
is told, and whoever asks until then at once.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Final, Protocol

from pynats_server.jetstream.clock import now_ns
from pynats_server.jetstream.store.consumers.folder import ConsumerFiles
from pynats_server.jetstream.store.errors import StoreClosed
from pynats_server.work import Job, Steps, Turns

SOON_S: Final = 0.05  # after the first change
ENCODING_SHARE: Final = 10  # at most one part in so many of the loop's time for one consumer
WRITING_SHARE: Final = 10  # the same of a thread's time, unless somebody waits
LARGE: Final = 2000
"""Entries of a state that a thread encodes: fewer take the loop 0.1 ms."""
AGAIN_S: Final = 1.0  # after a failure
UNDER_WAY_MAX: Final = 32  # writes of one account that threads have at a time

Saved = Callable[[Exception | None], None]


class State(Protocol):
    """How far a consumer is."""

    @property
    def changes(self) -> int:
        """Grows with every change."""
        ...

    def to_save(self) -> Snapshot:
        """As it is now; from now on it counts as saved."""
        ...


class Snapshot(Protocol):
    """How far a consumer was at some moment."""

    @property
    def floor_stream(self) -> int:
        """The stream sequence up to which everything is acknowledged."""
        ...

    def __len__(self) -> int:
        """What takes time to encode."""
        ...

    def encode(self, now: int) -> bytes:
        """As `o.dat` begins; `now` in ns. Threads may do it."""
        ...


class Writer(Protocol):
    """See `StateWriter`."""

    def write(
        self, files: ConsumerFiles, sealed: bytes, floor: int, sync: bool, done: Saved
    ) -> None: ...


class SavedConsumer:
    """One consumer's state and its files. Made by `Saving.add`."""

    __slots__ = (
        "due_s", "ended", "error", "files", "idle", "pause_s", "queued", "rest_s", "riding",
        "saving", "state", "stream_last", "synced", "waiting", "writing", "written",
    )  # fmt: skip

    def __init__(
        self,
        saving: Saving,
        state: State,
        files: ConsumerFiles,
        stream_last: Callable[[], int],
        are_alike: bool,
    ) -> None:
        self.state = state
        self.files = files
        self.stream_last = stream_last
        self.saving = saving
        # `state.changes` of what was written last, or is being written, and of what is safe.
        self.written = self.synced = state.changes if are_alike else -1
        self.error: Exception | None = None  # why the last write failed
        # At most one of them: it waits for a time, for its turn, or for a thread.
        self.due_s = 0.0
        self.queued = False
        self.writing = False
        self.ended = False
        self.pause_s = 0.0  # not written before this time
        self.rest_s = 0.0  # nor before this one if nobody waits
        self.waiting: list[Saved] = []  # for the next write
        self.riding: list[Saved] = []  # for the one under way
        self.idle: asyncio.Future[None] | None = None

    def changed(self) -> None:
        """The state has changed. Enough to call after the first change since `encode`."""
        if not (self.due_s or self.queued or self.writing or self.ended):
            self.saving.schedule(self)

    def when_saved(self, done: Saved) -> None:
        """Calls `done(None)` when all changes until now are saved, as durably as the stream keeps
        its messages; at once if they are. `done(error)` if that fails."""
        changes = self.state.changes
        if self.ended:
            done(StoreClosed("the consumer has ended"))
        elif self.synced == changes and self.error is None:
            done(None)
        elif self.written == changes and (self.riding or (self.writing and not self.files.durable)):
            self.riding.append(done)
        elif self.error is not None and self.due_s:
            done(self.error)  # it is tried again soon, and so many may ask meanwhile
        else:
            self.waiting.append(done)
            if not (self.writing or self.queued):
                self.saving.schedule(self)

    @property
    def is_saved(self) -> bool:
        """Whether what was written last, or is being written, is all there is."""
        return self.written == self.state.changes and self.error is None

    def give_up(self) -> None:
        """Begins to write nothing more. Who waits is told that it was not saved."""
        self.ended = True
        self.due_s = 0.0
        self.saving.failing.discard(self)
        _tell(self.waiting, StoreClosed("the consumer has ended"))

    async def end(self) -> None:
        """`give_up`; returns when nothing is being written."""
        self.give_up()
        if self.writing:
            self.idle = self.idle or asyncio.get_running_loop().create_future()
            await asyncio.shield(self.idle)


class Saving:
    """Saves the consumers of one account. `warn` tells of failures, rarely."""

    def __init__(
        self, account: str, turns: Turns, writer: Writer, warn: Callable[[str], None]
    ) -> None:
        self._account = account
        self._turns = turns
        self._writer = writer
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        self._later: list[tuple[float, int, SavedConsumer]] = []  # a heap
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._ready: deque[SavedConsumer] = deque()
        self._begin: asyncio.Handle | None = None
        self._job: Job[None] | None = None
        self._under_way = 0
        self._flushing = 0
        self.failing: set[SavedConsumer] = set()  # what could not be written

    def add(
        self,
        state: State,
        files: ConsumerFiles,
        stream_last: Callable[[], int],
        are_alike: bool = True,
    ) -> SavedConsumer:
        """A consumer. `are_alike`: its state is what its files say; else it is saved soon.
        `stream_last` gives the last sequence of its stream."""
        made = SavedConsumer(self, state, files, stream_last, are_alike)
        if not are_alike:
            made.changed()
        return made

    async def flush(self, consumers: Iterable[SavedConsumer]) -> None:
        """Saves what has changed of consumers that are about to end. What fails is logged."""
        waiting: list[asyncio.Future[None]] = []
        self._flushing += 1
        try:
            for consumer in consumers:
                if consumer.ended:
                    continue
                consumer.pause_s, consumer.error = 0.0, None
                done: asyncio.Future[None] = self._loop.create_future()
                waiting.append(done)
                if consumer.written != consumer.synced or not consumer.is_saved:
                    consumer.waiting.append(_setter(done))
                    if not (consumer.writing or consumer.queued):
                        self.schedule(consumer)
                else:
                    done.set_result(None)
            self._work()
            for done in waiting:
                await done
        finally:
            self._flushing -= 1

    # -- when ---------------------------------------------------------------------------------

    def schedule(self, consumer: SavedConsumer) -> None:
        """Has it written when its time has come."""
        now_s = self._loop.time()
        due_s = consumer.pause_s
        if not consumer.waiting:
            due_s = max(now_s + SOON_S, due_s, consumer.rest_s)
        if due_s <= now_s:
            consumer.due_s = 0.0
            self._enqueue(consumer)
            self._work_soon()
        elif not consumer.due_s or due_s < consumer.due_s:
            consumer.due_s = due_s
            heapq.heappush(self._later, (due_s, next(self._order), consumer))
            if self._later[0][2] is consumer:
                self._set_timer(due_s)

    def _enqueue(self, consumer: SavedConsumer) -> None:
        consumer.queued = True
        self._ready.append(consumer)

    def _set_timer(self, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due_s, self._look)

    def _look(self) -> None:
        """Finds those whose time has come."""
        self._timer = None
        now_s = self._loop.time()
        while self._later and self._later[0][0] <= now_s:
            due_s, _, consumer = heapq.heappop(self._later)
            if consumer.due_s == due_s:
                consumer.due_s = 0.0
                self._enqueue(consumer)
        if self._later:
            self._set_timer(self._later[0][0])
        self._work()

    # -- writing ------------------------------------------------------------------------------

    def _work_soon(self) -> None:
        """What else comes in this pass of the loop shares the writes."""
        if self._begin is None:
            self._begin = self._loop.call_soon(self._work)

    def _work(self) -> None:
        if self._begin is not None:
            self._begin.cancel()
            self._begin = None
        if self._flushing:  # turns may have ended
            for _ in self._writing_ready():
                pass
        elif self._ready and self._job is None and self._under_way < UNDER_WAY_MAX:
            job = self._turns.start(
                self._account, self, self._writing_ready(), stays=True, on_end=self._worked
            )
            self._job = None if job.ended else job

    def _worked(self, job: Job[None]) -> None:
        self._job = None
        if self._ready and self._under_way < UNDER_WAY_MAX:
            self._work_soon()  # it was cancelled, together with others of the account

    def _writing_ready(self) -> Steps[None]:
        while self._ready and self._under_way < UNDER_WAY_MAX:
            yield self._write(self._ready.popleft())

    def _write(self, consumer: SavedConsumer) -> asyncio.Future[bytes] | None:
        """Has it written, perhaps when what is returned is done."""
        consumer.queued = False
        if consumer.ended:
            return None
        state, files = consumer.state, consumer.files
        consumer.riding, consumer.waiting = consumer.waiting, []
        consumer.writing = True
        consumer.written = changes = state.changes
        began_s = self._loop.time()
        sync = files.durable and bool(consumer.riding)
        self._under_way += 1

        def written(error: Exception | None) -> None:
            if error is None and (sync or not files.durable):
                consumer.synced = changes
            consumer.rest_s = self._loop.time() + WRITING_SHARE * (self._loop.time() - began_s)
            self._written(consumer, error)

        try:
            snapshot = state.to_save()
            encode = partial(_encoded, files, snapshot, consumer.stream_last())
            if len(snapshot) > LARGE and not self._flushing:
                encoding = self._loop.run_in_executor(None, encode)
                encoding.add_done_callback(
                    lambda _: self._encoded(consumer, snapshot, encoding, sync, written)
                )
                return encoding
            sealed = encode()
            consumer.pause_s = began_s + ENCODING_SHARE * (self._loop.time() - began_s)
            self._writer.write(files, sealed, snapshot.floor_stream, sync, written)
        except Exception as error:  # a bug of ours must not keep others from being saved
            self._loop.call_soon(written, error)
        return None

    def _encoded(
        self, consumer: SavedConsumer, snapshot: Snapshot, encoding: asyncio.Future[bytes],
        sync: bool, written: Saved,
    ) -> None:  # fmt: skip
        """A thread has encoded a state."""
        try:
            sealed = encoding.result()
            if consumer.ended:
                written(None)  # who waits was told
            else:
                self._writer.write(consumer.files, sealed, snapshot.floor_stream, sync, written)
        except Exception as error:
            written(error)

    def _written(self, consumer: SavedConsumer, error: Exception | None) -> None:
        self._under_way -= 1
        consumer.writing = False
        consumer.error = error
        if consumer.ended:
            error = StoreClosed("the consumer has ended")
        elif error is None:
            self.failing.discard(consumer)
        else:
            self._warn(f"The state of consumers cannot be saved: {error or repr(error)}")
            self.failing.add(consumer)
            consumer.pause_s = self._loop.time() + AGAIN_S
            _tell(consumer.waiting, error)
        _tell(consumer.riding, error)
        if consumer.idle is not None and not consumer.idle.done():
            consumer.idle.set_result(None)
        if (consumer.waiting or not consumer.is_saved) and not (
            consumer.ended or consumer.due_s or consumer.queued  # somebody who was told has asked
        ):
            self.schedule(consumer)
        self._work()

    def stop(self) -> None:
        """Ends the timer: all consumers have ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._begin is not None:
            self._begin.cancel()
            self._begin = None


def _encoded(files: ConsumerFiles, snapshot: Snapshot, stream_last: int) -> bytes:
    return files.seal(snapshot.encode(now_ns()), stream_last)


def _tell(those: list[Saved], error: Exception | None) -> None:
    """Calls and forgets them."""
    told = those.copy()
    those.clear()
    for done in told:
        done(error)


def _setter(done: asyncio.Future[None]) -> Saved:
    return lambda _: done.set_result(None) if not done.done() else None
