"""Group commit: one fsync at a time, covering everything that arrived while the last one ran.

Without an event loop everything happens in the caller (tests, tools, shutdown). With one, writes
happen on the loop, fsync on a worker thread, and callbacks on the loop again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = tuple[Callable[[], None], Callable[[OSError | None], None]]


class Syncer:
    """A worker thread shared by the stores of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = loop
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], None], done: Callable[[OSError | None], None]) -> None:
        """Run `work` off the loop, then `done(error)` on it."""
        if self.loop is None:
            done(_attempt(work))
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="store-sync", daemon=True)
            self._thread.start()
        self._queue.put((work, done))

    def _serve(self) -> None:
        assert self.loop is not None
        while (job := self._queue.get()) is not None:
            work, done = job
            error = _attempt(work)
            if self.loop.is_closed():
                return
            self.loop.call_soon_threadsafe(done, error)

    def close(self) -> None:
        """End the worker after what is queued."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None


def _attempt(work: Callable[[], None]) -> OSError | None:
    try:
        work()
    except OSError as error:
        return error
    return None
