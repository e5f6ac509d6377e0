"""Polls one server again and again: one poll after the other, never two at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from pynats_top.collect.replay import ReplaySource
from pynats_top.collect.source import OWN_SORTS, Poll, Source, SourceError, Want
from pynats_top.model.figures import Snapshot, snapshot
from pynats_top.model.history import History
from pynats_top.model.rows import CONNECTION_COLUMNS, column_of, ordered

MANY = 2000
"""So many connections are made figures of in a thread: they hold the loop too long."""

PAUSE_MIN = 0.25
"""Part of the interval that a server has for itself, however long its answer took."""

BUSY_MAX = 0.2
"""Part of a core that polls may take: of very many connections there are polls less often."""

SHORT_S = 0.5
"""Rates over less say nothing: a poll so soon after another one has rates since an older one."""


class PollOptions(Protocol):
    """What a poller needs of the options."""

    interval_s: float
    limit: int
    sort: str
    subscriptions: bool


class Poller:
    """The last figures of one server, and how to get the next ones.

    `snapshot` stays what it was when a poll fails; `error` says why it has, and is "" again with
    the next good one. `on_change` is called after every poll.
    """

    def __init__(self, source: Source, options: PollOptions, on_change: Callable[[], None]) -> None:
        self.source = source
        self.snapshot: Snapshot | None = None
        self.history = History()
        self.error = ""
        self.polls = 0  # good ones
        self.failures = 0  # in a row
        self.interval_s = options.interval_s
        self.want = Want(options.limit, options.sort, options.subscriptions)
        self.on_change = on_change
        self._before: Snapshot | None = None  # what the rates of `snapshot` are since
        self._paused = False
        self._poke = asyncio.Event()
        self._one = asyncio.Lock()

    @property
    def label(self) -> str:
        """The server's name as soon as it is known."""
        known = self.snapshot.server.title if self.snapshot else ""
        return known or self.source.label

    @property
    def paused(self) -> bool:
        """While it is, only `poke` polls."""
        return self._paused

    @paused.setter
    def paused(self, value: bool) -> None:
        self._paused = value
        if not value:
            self.poke()

    def look_at(self, parts: Iterable[str]) -> None:
        """What the next polls ask for, besides the server itself."""
        self._change(replace(self.want, parts=frozenset(parts)))

    def set_sort(self, sort: str) -> None:
        """The server's order of connections."""
        self._change(replace(self.want, sort=sort))

    def set_limit(self, limit: int) -> None:
        """How many connections to ask for."""
        self._change(replace(self.want, limit=limit))

    def set_subscriptions(self, shown: bool) -> None:
        """Whether to ask for the subscriptions of connections."""
        self._change(replace(self.want, subscriptions=shown))

    def set_auth(self, shown: bool) -> None:
        """Whether to ask for accounts and users of connections."""
        self._change(replace(self.want, auth=shown))

    def _change(self, want: Want) -> None:
        if want != self.want:
            self.want = want
            self.poke()

    def poke(self) -> None:
        """Polls now; after the poll that runs, if one does."""
        self._poke.set()

    async def run(self) -> None:
        """Polls until it is cancelled. A slow server delays its own next poll only."""
        loop = asyncio.get_running_loop()
        poked = True
        while True:
            begin, used = loop.time(), time.process_time()
            if poked or not self._paused:
                self._poke.clear()
                await self.poll()
            interval_s = self.source.due_in_s(self.interval_s)
            passed, used = loop.time() - begin, time.process_time() - used
            poked = await self._poked_within(pause_s(interval_s, passed, used))

    async def _poked_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._poke.wait()
        return False

    async def poll(self) -> bool:
        """One poll; False when it has failed, which `error` tells."""
        async with self._one:
            want = self.want
            try:
                poll = await self.source.poll(want)
                soon = self._is_soon(poll)
                if not soon or self._before is None:
                    self._before = self.snapshot
                self.snapshot = await self._figures(poll, self._before)
                _sort(self.snapshot, want.sort)
            except SourceError as error:
                self.error = str(error)
                self.failures += 1
                if self.snapshot is not None:
                    self.snapshot.error = self.error
            else:
                self.error, self.failures = "", 0
                self.polls += 1
                if self.snapshot.restarted:
                    self.history.clear()
                    self._before = None
                if not soon or self.snapshot.restarted:
                    self.history.add(self.snapshot)
        self.on_change()
        return not self.error

    async def go_to(self, place: int) -> None:
        """Shows another place of a recording."""
        if isinstance(self.source, ReplaySource):
            async with self._one:
                try:
                    before, poll = await self.source.at(place)
                except SourceError as error:
                    self.error = str(error)
                else:
                    self.snapshot = snapshot(poll, snapshot(before, None) if before else None)
                    self.error, self.failures = "", 0
            self.on_change()

    @property
    def place(self) -> tuple[int, int] | None:
        """Which poll of how many of a recording is shown, the first being 0; None if none is."""
        if isinstance(self.source, ReplaySource):
            return max(self.source.place, 0), len(self.source.polls)
        return None

    def _is_soon(self, poll: Poll) -> bool:
        """Whether it is not one of the beat: a key made it come."""
        if self.snapshot is None:
            return False
        return poll.at - self.snapshot.at < min(SHORT_S, self.interval_s / 2)

    @staticmethod
    async def _figures(poll: Poll, before: Snapshot | None) -> Snapshot:
        rows = (poll.connz or {}).get("connections")
        if isinstance(rows, list) and len(rows) > MANY:
            return await asyncio.to_thread(snapshot, poll, before)
        return snapshot(poll, before)


def pause_s(interval_s: float, passed: float, used: float) -> float:
    """Until the next poll, after one that took so many seconds, and so many of the processor."""
    return max(interval_s - passed, interval_s * PAUSE_MIN, used / BUSY_MAX - used)


def _sort(made: Snapshot, sort: str) -> None:
    """Sorts by what the server cannot sort by."""
    if sort in OWN_SORTS and (column := column_of(CONNECTION_COLUMNS, sort)):
        made.connections = ordered(made.connections, column)
