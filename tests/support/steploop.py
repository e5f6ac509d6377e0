"""An event loop and its threads by hand: a test decides what happens, and when it is told. And work
in steps, which are counted."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from pynats_server.jetstream.store.file.syncing.group_commit import Done, Syncer
from pynats_server.work import Work

T = TypeVar("T")


def steps(work: Work[T]) -> tuple[int, T]:
    """How many steps a piece of work takes, and its result."""
    count = 0
    while True:
        count += 1
        try:
            next(work)
        except StopIteration as end:
            return count, end.value


class StepTimer:
    def __init__(self, work: Callable[[], object]) -> None:
        self.work: Callable[[], object] | None = work

    def cancel(self) -> None:
        self.work = None


class StepLoop:
    """What a store and its syncer ask of a loop. `now_s` only passes when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._soon: deque[Callable[[], object]] = deque()
        self._timers: list[tuple[float, int, StepTimer]] = []
        self._order = count()

    def call_soon(self, work: Callable[..., object], *args: Any) -> None:
        self._soon.append(lambda: work(*args))

    call_soon_threadsafe = call_soon

    def call_later(self, delay_s: float, work: Callable[..., object], *args: Any) -> StepTimer:
        timer = StepTimer(lambda: work(*args))
        heapq.heappush(self._timers, (self.now_s + delay_s, next(self._order), timer))
        return timer

    def turn(self) -> None:
        """Runs what is scheduled, but not what that schedules."""
        for _ in range(len(self._soon)):
            self._soon.popleft()()

    def sleep(self, seconds: float) -> None:
        """Lets time pass."""
        self.now_s += seconds
        while self._timers and self._timers[0][0] <= self.now_s:
            work = heapq.heappop(self._timers)[2].work
            if work is not None:
                work()


class StepSyncer(Syncer):
    """Does a job only when it is told to, and tells of it still later."""

    def __init__(self, loop: StepLoop) -> None:
        super().__init__(loop)  # type: ignore[arg-type]
        self._jobs: deque[tuple[Callable[[], None], Done]] = deque()
        self._over: deque[tuple[Done, OSError | None]] = deque()

    def run(self, work: Callable[[], None], done: Done) -> None:
        self._jobs.append((work, done))

    def step(self) -> bool:
        """Tells of a job that is over, or else does the next; False when there is none."""
        if self._over:
            done, error = self._over.popleft()
            done(error)
        elif self._jobs:
            work, done = self._jobs.popleft()
            try:
                work()
            except OSError as failure:
                self._over.append((done, failure))
            else:
                self._over.append((done, None))
        else:
            return False
        return True

    def settle(self) -> None:
        while self.step():
            pass

    def close(self) -> None:
        self.settle()
