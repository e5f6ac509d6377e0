"""Runs sliced work on the loop, a short time in each of its passes.

A piece of work is a generator. Between two `yield`s it does a small, counted amount (about 0.2 ms:
some hundred entries) and leaves everything it changes consistent, because anything may happen
before it goes on. It returns its result. It may yield a future instead of None: it goes on when
that is done, and until then holds up nobody but the later work of its client.

Each client of an account has a lane: its jobs run one after the other. Lanes take turns, one step
at a time, by account first. When the time is up, the rest waits for the loop's next pass, so that
sockets are served in between.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable
from typing import Any, Generic, TypeVar

from pynats_server.work.rotation import Rotation

T = TypeVar("T")

TURN_NS = 1_000_000  # ns of each pass of the loop: a tenth of what a ping may take under load

Work = Generator[None, None, T]
# What may wait as well: a yielded future must be held by whoever made it.
Steps = Generator["asyncio.Future[Any] | None", None, T]


class Cancelled(Exception):
    """The job ended before its work was done."""


class Job(Generic[T]):
    """A piece of work under way. `result` or `error` is set when `ended`."""

    __slots__ = (
        "_on_end", "account", "begun", "client", "ended", "error", "result", "stays", "tag", "work",
    )  # fmt: skip

    def __init__(
        self, account: Hashable, client: Hashable, work: Steps[T], tag: Hashable, stays: bool,
        on_end: Callable[[Job[T]], None] | None,
    ) -> None:  # fmt: skip
        self.account = account
        self.client = client
        self.work = work
        self.tag = tag
        self.stays = stays
        self.begun = False
        self.ended = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self._on_end = on_end

    def _tell(self) -> bool:
        """Calls whoever wants to know the end. False if nobody does."""
        on_end, self._on_end = self._on_end, None
        if on_end is None:
            return False
        on_end(self)
        return True


class _Lane:
    """The jobs of one client in one account, in order; the first one is under way."""

    __slots__ = ("account", "awaited", "client", "jobs")

    def __init__(self, account: Hashable, client: Hashable) -> None:
        self.account = account
        self.client = client
        self.jobs: deque[Job[Any]] = deque()
        self.awaited: asyncio.Future[Any] | None = None  # by the first job


class Turns:
    """The sliced work of one server. `on_error` learns of failures that nobody else does.

    With a counting `clock`, `budget_ns` is a number of steps: tests use that.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_error: Callable[[BaseException], None],
        budget_ns: int = TURN_NS,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._loop = loop
        self._on_error = on_error
        self._budget_ns = budget_ns
        self._clock = clock
        self._ready: Rotation[Hashable, _Lane] = Rotation()
        self._lanes: dict[Hashable, dict[Hashable, _Lane]] = {}  # by client, then by account
        self._tagged: dict[Hashable, set[Job[Any]]] = {}
        self._stepping: Job[Any] | None = None
        self._passing = False
        self._spent_ns = 0  # in this pass of the loop
        self._next_pass: asyncio.Handle | None = None
        self._stopped = False

    # -- starting -----------------------------------------------------------------------------

    def is_free(self, account: Hashable, client: Hashable) -> bool:
        """Whether something small may be done for a client at once: nothing of its own is under
        way, and there is time left in this pass. Whoever does it tells `charge`."""
        if self._spent_ns >= self._budget_ns or self._passing or self._stopped:
            return False
        lanes = self._lanes.get(client)
        return lanes is None or account not in lanes

    def charge(self, spent_ns: int) -> None:
        """Counts what was done outside of a job, in ns of the clock."""
        self._spent_ns += spent_ns
        if self._next_pass is None:
            self._next_pass = self._loop.call_soon(self._pass)

    def now(self) -> int:
        """The clock, in ns."""
        return self._clock()

    def start(
        self,
        account: Hashable,
        client: Hashable,
        work: Steps[T],
        *,
        tag: Hashable = None,
        stays: bool = False,
        on_end: Callable[[Job[T]], None] | None = None,
    ) -> Job[T]:
        """Runs `work` behind what the client has under way; at once, as far as the time goes, if
        that is nothing. `tag` is what the job belongs to (`cancel_tag`), a job that `stays` goes
        on without its client. `on_end` is called once, also after a cancellation."""
        job = Job(account, client, work, tag, stays, on_end)
        if self._stopped:
            self._end(job, None, Cancelled())
            return job
        at_once = self.is_free(account, client)
        lanes = self._lanes.setdefault(client, {})
        lane = lanes.get(account)
        if lane is None:
            lane = lanes[account] = _Lane(account, client)
        lane.jobs.append(job)
        if tag is not None:
            self._tagged.setdefault(tag, set()).add(job)
        if len(lane.jobs) > 1:
            return job
        self._make_ready(lane)
        if at_once:
            self._begin_at_once(lane, job)
        return job

    def _begin_at_once(self, lane: _Lane, job: Job[Any]) -> None:
        """Does what the rest of the time of this pass is enough for."""
        begun, spent = self._clock(), 0
        self._passing = True
        try:
            while (
                self._spent_ns + spent < self._budget_ns and not job.ended and lane.awaited is None
            ):
                self._step(lane)
                spent = self._clock() - begun
        finally:
            self._passing = False
            self.charge(spent)

    async def run(
        self, account: Hashable, client: Hashable, work: Steps[T], *, tag: Hashable = None
    ) -> T:
        """The result of `work`. Cancels it when the caller is cancelled; raises Cancelled when
        somebody else has."""
        done: asyncio.Future[None] = self._loop.create_future()

        def on_end(_: Job[T]) -> None:
            if not done.done():
                done.set_result(None)

        job = self.start(account, client, work, tag=tag, on_end=on_end)
        try:
            await done
        finally:
            self.cancel(job)
        if job.error is not None:
            raise job.error
        result: T = job.result  # type: ignore[assignment]  # T itself may be Optional
        return result

    # -- ending -------------------------------------------------------------------------------

    def cancel(self, job: Job[Any]) -> None:
        """Ends a job before its next step. Idempotent."""
        if job.ended:
            return
        lane = self._lanes[job.client][job.account]
        was_first = lane.jobs[0] is job
        lane.jobs.remove(job)
        if was_first:
            lane.awaited = None
        self._settle(lane, was_first)
        self._end(job, None, Cancelled())

    def cancel_client(self, client: Hashable) -> None:
        """Ends the jobs of a client that has gone, except those that stay."""
        self._cancel_lanes(self._lanes.get(client, {}).values(), stay=True)

    def cancel_account(self, account: Hashable) -> None:
        """Ends all jobs of an account."""
        self._cancel_lanes(self._lanes_of(account), stay=False)

    def cancel_waiting(self, account: Hashable) -> int:
        """Ends the jobs of an account that have not begun. Returns how many."""
        waiting = [job for lane in self._lanes_of(account) for job in lane.jobs if not job.begun]
        for job in reversed(waiting):
            self.cancel(job)
        return len(waiting)

    def cancel_tag(self, tag: Hashable) -> None:
        """Ends the jobs that belong to something that has ended."""
        for job in list(self._tagged.get(tag, ())):
            self.cancel(job)

    def stop(self) -> None:
        """Ends everything; what is started later ends at once. Idempotent."""
        self._stopped = True
        for lanes in list(self._lanes.values()):
            self._cancel_lanes(lanes.values(), stay=False)
        if self._next_pass is not None:
            self._next_pass.cancel()
            self._next_pass = None

    def _lanes_of(self, account: Hashable) -> list[_Lane]:
        return [own[account] for own in self._lanes.values() if account in own]

    def _cancel_lanes(self, lanes: Iterable[_Lane], stay: bool) -> None:
        for job in [job for lane in lanes for job in reversed(lane.jobs)]:
            if not (stay and job.stays):
                self.cancel(job)

    # -- running ------------------------------------------------------------------------------

    @property
    def jobs(self) -> int:
        """How many jobs are under way or wait."""
        return sum(len(lane.jobs) for own in self._lanes.values() for lane in own.values())

    def _make_ready(self, lane: _Lane) -> None:
        self._ready.add(lane.account, lane)
        if self._next_pass is None:
            self._next_pass = self._loop.call_soon(self._pass)

    def _pass(self) -> None:
        self._next_pass = None
        self._spent_ns = 0
        begun = self._clock()
        self._passing = True
        try:
            while self._ready and self._spent_ns < self._budget_ns:
                _, lane = self._ready.next()
                self._step(lane)
                self._spent_ns = self._clock() - begun
        finally:
            self._passing = False
        if not self._ready:
            self._spent_ns = 0
        elif self._next_pass is None:
            self._next_pass = self._loop.call_soon(self._pass)

    def _step(self, lane: _Lane) -> None:
        """One step of the first job of a lane. Leaves the lane in its place for the next."""
        job = lane.jobs[0]
        job.begun = True
        self._stepping = job
        awaited: asyncio.Future[Any] | None = None
        error: BaseException | None = None
        result = None
        finished = True
        try:
            awaited = next(job.work)
            finished = False
        except StopIteration as end:
            result = end.value
        except (Exception, asyncio.CancelledError) as raised:
            error = raised
        finally:
            self._stepping = None
        if job.ended:  # cancelled by what it did itself; its lane is settled
            _close(job.work, self._on_error)
        elif finished:
            lane.jobs.popleft()
            self._settle(lane, True)
            self._end(job, result, error)
        elif awaited is None or awaited.done():
            self._make_ready(lane)
        else:
            self._ready.discard(lane.account, lane)
            lane.awaited = awaited
            awaited.add_done_callback(lambda done: self._resume(lane, done))

    def _resume(self, lane: _Lane, done: asyncio.Future[Any]) -> None:
        if lane.awaited is done:
            lane.awaited = None
            self._make_ready(lane)

    def _settle(self, lane: _Lane, first_left: bool) -> None:
        """After a job has left its lane: the next one is ready, or the lane ends."""
        if not lane.jobs:
            self._ready.discard(lane.account, lane)
            own = self._lanes[lane.client]
            del own[lane.account]
            if not own:
                del self._lanes[lane.client]
        elif first_left and not self._stopped:
            self._make_ready(lane)

    def _end(self, job: Job[Any], result: Any, error: BaseException | None) -> None:
        job.ended = True
        job.result, job.error = result, error
        if job.tag is not None and (tagged := self._tagged.get(job.tag)) is not None:
            tagged.discard(job)
            if not tagged:
                del self._tagged[job.tag]
        if job is not self._stepping:  # a running generator is closed behind its step
            _close(job.work, self._on_error)
        try:
            told = job._tell()
        except Exception as raised:
            self._on_error(raised)
        else:
            if not told and error is not None and not isinstance(error, Cancelled):
                self._on_error(error)


def _close(work: Steps[Any], on_error: Callable[[BaseException], None]) -> None:
    """Runs the `finally` blocks of work that is not done."""
    try:
        work.close()
    except Exception as raised:
        on_error(raised)


def finish(work: Work[T]) -> T:
    """Does all of a piece of work at once: for threads, recovery and tests."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
