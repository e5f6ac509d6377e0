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
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
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
        "_on_end", "account", "begun", "client", "dropped", "ended", "error", "result", "stays",
        "work",
    )  # fmt: skip

    def __init__(
        self, account: Hashable, client: Hashable, work: Steps[T], stays: bool, dropped: bool,
        on_end: Callable[[Job[T]], None] | None,
    ) -> None:  # fmt: skip
        self.account = account
        self.client = client
        self.work = work
        self.stays = stays
        self.dropped = dropped
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
        self.jobs: OrderedDict[Job[Any], None] = OrderedDict()
        self.awaited: asyncio.Future[Any] | None = None  # by the first job

    @property
    def first(self) -> Job[Any]:
        return next(iter(self.jobs))


class _Account:
    """The lanes of one account by client, and how many jobs are in them."""

    __slots__ = ("count", "lanes")

    def __init__(self) -> None:
        self.lanes: dict[Hashable, _Lane] = {}
        self.count = 0


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
        self.budget_ns = budget_ns
        self.now = clock  # ns
        self._ready: Rotation[Hashable, _Lane] = Rotation()
        self._accounts: dict[Hashable, _Account] = {}
        self._clients: dict[Hashable, set[_Lane]] = {}
        self._stepping: Job[Any] | None = None
        self._passing = False
        self._spent_ns = 0  # in this pass of the loop
        self._next_pass: asyncio.Handle | None = None
        self._stopped = False

    # -- starting -----------------------------------------------------------------------------

    def is_free(self, account: Hashable, client: Hashable) -> bool:
        """Whether something small may be done for a client at once: nothing of its own is under
        way, and there is time left in this pass. Whoever does it tells `charge`."""
        if self._spent_ns >= self.budget_ns or self._passing or self._stopped:
            return False
        return self.is_idle(account, client)

    def is_idle(self, account: Hashable, client: Hashable) -> bool:
        """Whether a client has nothing under way in an account."""
        own = self._accounts.get(account)
        return own is None or client not in own.lanes

    def charge(self, spent_ns: int) -> None:
        """Counts what was done outside of a job, in ns of the clock."""
        self._spent_ns += spent_ns
        if self._next_pass is None:
            self._next_pass = self._loop.call_soon(self._pass)

    def start(
        self,
        account: Hashable,
        client: Hashable,
        work: Steps[T],
        *,
        stays: bool = False,
        dropped: bool = False,
        on_end: Callable[[Job[T]], None] | None = None,
    ) -> Job[T]:
        """Runs `work` behind what the client has under way; at once, as far as the time goes, if
        that is nothing. A job that `stays` goes on without its client; one that may be `dropped`
        does not begin when there are too many. `on_end` is called once, also after a
        cancellation."""
        job = Job(account, client, work, stays, dropped, on_end)
        if self._stopped:
            self._end(job, None, Cancelled())
            return job
        at_once = self.is_free(account, client)
        lane = self._lane(account, client)
        lane.jobs[job] = None
        self._accounts[account].count += 1
        if len(lane.jobs) > 1:
            return job
        self._make_ready(lane)
        if at_once:
            self._begin_at_once(lane, job)
        return job

    def later(self, delay_s: float) -> asyncio.Future[None]:
        """For a job that waits for something that tells nobody: done after a time."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._loop.call_later(delay_s, _conclude, done)
        return done

    def _lane(self, account: Hashable, client: Hashable) -> _Lane:
        own = self._accounts.get(account)
        if own is None:
            own = self._accounts[account] = _Account()
        lane = own.lanes.get(client)
        if lane is None:
            lane = own.lanes[client] = _Lane(account, client)
            self._clients.setdefault(client, set()).add(lane)
        return lane

    def _begin_at_once(self, lane: _Lane, job: Job[Any]) -> None:
        """Does what the rest of the time of this pass is enough for."""
        begun, spent = self.now(), 0
        self._passing = True
        try:
            while (
                self._spent_ns + spent < self.budget_ns and not job.ended and lane.awaited is None
            ):
                self._step(lane)
                spent = self.now() - begun
        finally:
            self._passing = False
            self.charge(spent)

    async def run(self, account: Hashable, client: Hashable, work: Steps[T]) -> T:
        """The result of `work`. Cancels it when the caller is cancelled; raises Cancelled when
        somebody else has."""
        if self.is_free(account, client):  # what ends with its first step needs no job
            begun = self.now()
            try:
                awaited = next(work)
            except StopIteration as end:
                small: T = end.value
                return small
            finally:
                self.charge(self.now() - begun)
            if awaited is not None:
                work = _after(awaited, work)
        done: asyncio.Future[None] = self._loop.create_future()
        job = self.start(account, client, work, on_end=lambda _: _conclude(done))
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
        lane = self._accounts[job.account].lanes[job.client]
        was_first = lane.first is job
        self._take_out(lane, job)
        if was_first:
            lane.awaited = None
        self._settle(lane, was_first)
        self._end(job, None, Cancelled())

    def cancel_client(self, client: Hashable) -> None:
        """Ends the jobs of a client that has gone, except those that stay."""
        for lane in list(self._clients.get(client, ())):
            self._cancel_lane(lane, stay=True)

    def cancel_account(self, account: Hashable) -> None:
        """Ends all jobs of an account."""
        own = self._accounts.get(account)
        for lane in list(own.lanes.values()) if own is not None else ():
            self._cancel_lane(lane, stay=False)

    def cancel_waiting(self, account: Hashable) -> int:
        """Ends the jobs of an account that may be dropped and have not begun; what requests under
        way have begun goes on. Returns how many."""
        own = self._accounts.get(account)
        before = self.count(account)
        for lane in list(own.lanes.values()) if own is not None else ():
            for job in reversed(lane.jobs.copy()):
                if job.dropped and not job.begun:
                    self.cancel(job)
        return before - self.count(account)

    def stop(self) -> None:
        """Ends everything; what is started later ends at once. Idempotent."""
        self._stopped = True
        for account in list(self._accounts):
            self.cancel_account(account)
        if self._next_pass is not None:
            self._next_pass.cancel()
            self._next_pass = None

    def _cancel_lane(self, lane: _Lane, stay: bool) -> None:
        for job in reversed(lane.jobs.copy()):  # the next one must not become ready in between
            if not (stay and job.stays):
                self.cancel(job)

    # -- running ------------------------------------------------------------------------------

    @property
    def jobs(self) -> int:
        """How many jobs are under way or wait."""
        return sum(own.count for own in self._accounts.values())

    def count(self, account: Hashable) -> int:
        """How many of them are an account's."""
        own = self._accounts.get(account)
        return own.count if own is not None else 0

    def _make_ready(self, lane: _Lane) -> None:
        self._ready.add(lane.account, lane)
        if self._next_pass is None:
            self._next_pass = self._loop.call_soon(self._pass)

    def _pass(self) -> None:
        self._next_pass = None
        self._spent_ns = 0
        if not self._ready:  # as after each small thing that was done at once
            return
        begun = self.now()
        self._passing = True
        try:
            while self._ready and self._spent_ns < self.budget_ns:
                _, lane = self._ready.next()
                self._step(lane)
                now = self.now()
                self._spent_ns += now - begun
                begun = now
        finally:
            self._passing = False
        if not self._ready:
            self._spent_ns = 0
        elif self._next_pass is None:
            self._next_pass = self._loop.call_soon(self._pass)

    def _step(self, lane: _Lane) -> None:
        """One step of the first job of a lane. Leaves the lane in its place for the next."""
        job = lane.first
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
            self._take_out(lane, job)
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

    def _take_out(self, lane: _Lane, job: Job[Any]) -> None:
        del lane.jobs[job]
        self._accounts[lane.account].count -= 1

    def _settle(self, lane: _Lane, first_left: bool) -> None:
        """After a job has left its lane: the next one is ready, or the lane ends."""
        if not lane.jobs:
            self._ready.discard(lane.account, lane)
            own, of_client = self._accounts[lane.account], self._clients[lane.client]
            del own.lanes[lane.client]
            if not own.lanes:
                del self._accounts[lane.account]
            of_client.discard(lane)
            if not of_client:
                del self._clients[lane.client]
        elif first_left and not self._stopped:
            self._make_ready(lane)

    def _end(self, job: Job[Any], result: Any, error: BaseException | None) -> None:
        job.ended = True
        job.result, job.error = result, error
        if job is not self._stepping:  # a running generator is closed behind its step
            _close(job.work, self._on_error)
        try:
            told = job._tell()
        except Exception as raised:
            self._on_error(raised)
        else:
            if not told and error is not None and not isinstance(error, Cancelled):
                self._on_error(error)


def _after(awaited: asyncio.Future[Any], work: Steps[T]) -> Steps[T]:
    yield awaited
    return (yield from work)


def _conclude(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


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
