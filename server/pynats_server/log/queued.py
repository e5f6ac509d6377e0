"""Lines on their way to a sink that may be slow: a thread writes them, nobody else waits.

What waits is bounded. What is beyond that is dropped, counted, and said as soon as there is room;
lines of traces and for debugging go first.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from pynats_server.log.sinks import Describe, Sink

QUEUED_MAX = 8 * 1024 * 1024  # bytes that wait for their sink
CHATTER_MAX = QUEUED_MAX // 2  # where lines of traces and for debugging are dropped
CLOSE_WAIT_S = 2.0  # for a sink that does not take its last lines

_Item = tuple[bytes, str] | Callable[[], object]


class QueuedSink:
    """`inner`, written to by a thread between `start` and `stop`, and by the caller otherwise. The
    only one that may use `inner`; may be used by any thread."""

    def __init__(self, inner: Sink, describe: Describe) -> None:
        self.inner = inner
        self.decorated = inner.decorated
        self.colored = inner.colored
        self._describe = describe
        self._changed = threading.Condition()
        self._waiting: deque[_Item] = deque()
        self._size = 0
        self._writing = False
        self._lost = 0  # lines dropped and not said yet
        self._thread: threading.Thread | None = None
        self._ends = False
        self._stuck = False
        self.dropped = 0  # lines, ever

    def start(self, behind: QueuedSink | None = None) -> None:
        """Lines go through the thread from now on; `behind` those of another sink that still writes
        to the same place. Idempotent."""
        if self._thread is None and not self._stuck:
            self._ends = False
            run = self._run
            if behind is not None:
                run = partial(self._run_behind, behind._thread)
            self._thread = threading.Thread(target=run, name="log", daemon=True)
            self._thread.start()

    @property
    def at_work(self) -> bool:
        """Whether the thread has something to write, or waits for that."""
        return self._thread is not None

    def write(self, data: bytes, level: str) -> None:
        """See `Sink`."""
        with self._changed:
            if self._thread is not None:
                most = CHATTER_MAX if level in ("TRC", "DBG") else QUEUED_MAX
                if self._size + len(data) > most:
                    self._drop(data.count(b"\n"))
                    return
                self._waiting.append((data, level))
                self._size += len(data)
                if not self._writing:
                    self._changed.notify()
                return
            if self._stuck:
                self._drop(data.count(b"\n"))
                return
        self.inner.write(data, level)

    def _drop(self, lines: int) -> None:
        self._lost += lines
        self.dropped += lines

    def _run_behind(self, other: threading.Thread | None) -> None:
        if other is not None:
            other.join()
        self.inner.reopen()  # the other one may have renamed the file since this one was opened
        self._run()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                while not self._waiting and not self._ends:
                    self._changed.wait()
                if not self._waiting:
                    # Here, so that no line comes in between and is never written.
                    self._thread = None
                    return
                batch, self._waiting = self._waiting, deque()
                self._writing = True
            for item in batch:
                if callable(item):
                    item()
                    continue
                data, level = item
                self.inner.write(data, level)
                with self._changed:
                    self._size -= len(data)
                    lost = self._lost if self._size < CHATTER_MAX else 0
                    self._lost -= lost
                if lost:
                    said = (
                        f"{lost} lines of the log were dropped: they could not be written in time"
                    )
                    self.inner.write(self._describe(said, True), "ERR")

    def reopen(self) -> bool:
        """See `Sink`."""
        if self.inner.reopens:
            self.then(self.inner.reopen)
        return self.inner.reopens

    def then(self, change: Callable[[], object]) -> None:
        """Does something to the sink, behind what is queued."""
        with self._changed:
            if self._thread is not None:
                self._waiting.append(change)
                self._changed.notify()
                return
        if not self._stuck:
            change()

    def end(self) -> None:
        """Nothing more comes; what is queued is written, and nobody waits."""
        with self._changed:
            self._ends = True
            self._changed.notify()

    def leave(self) -> None:
        """As `end`; behind what is queued the sink is closed."""
        self.then(self.inner.close)
        self.end()

    def stop(self, until_s: float | None = None) -> None:
        """Waits for what is queued, for a while or to a time of the steady clock; then lines go to
        the sink directly again."""
        thread = self._thread
        if thread is None:
            return
        self.end()
        now_s = time.monotonic()
        thread.join(max(0.0, until_s - now_s) if until_s is not None else CLOSE_WAIT_S)
        with self._changed:
            if self._thread is thread:
                self._stuck = True
                self._thread = None

    def close(self) -> None:
        """See `Sink`."""
        self.stop()
        if not self._stuck:
            self.inner.close()
