"""A benchmark while its clients are connected: their loops, start, stop, figures."""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import ClassVar, Self

from pynats_bench.clients.histogram import Histogram, Snapshot
from pynats_bench.clients.model import Share, Target
from pynats_bench.engine.loop import Loop
from pynats_bench.model import LoadError, split
from pynats_bench.threads import Threads


def words(error: LoadError) -> str:
    """What the server said, without the protocol around it."""
    text = str(error)
    return text[4:].strip().strip("'") if text.startswith("-ERR") else text


class Bench(ABC):
    """Clients of one kind, connected during the `with` block; `run` once.

    `messages` is the number for all clients together if they share the work (`SHARED`), for each
    otherwise; 0 = until stopped. `rate` is messages a second of all clients together, `sleep_ns`
    what is at least between the beginnings of two operations of a client. `timeout_s`: an answer
    of the server takes no longer.

    A subclass says how a client is prepared (`prepare`) and makes the loop for a group of clients
    (`make_loop`); the loop keeps its connections' counters.
    """

    SHARED: ClassVar[bool] = True  # the clients share the messages
    PATIENT: ClassVar[bool] = False  # waits for others for ever: nothing times out

    def __init__(
        self,
        target: Target,
        *,
        clients: int,
        messages: int = 0,
        sleep_ns: int = 0,
        rate: float = 0.0,
        timeout_s: float = 5.0,
    ) -> None:
        if clients < 1 or messages < 0:
            raise ValueError("a benchmark has a client and no negative number of messages")
        if self.SHARED and messages:
            clients = min(clients, messages)
        self.target = target
        self.clients = clients
        self.messages = messages
        self.sleep_ns = sleep_ns
        self.rate = rate
        self.timeout_s = timeout_s
        self.warnings: list[str] = []
        self._stack = ExitStack()
        self._loops: list[Loop] = []
        self._firsts: list[int] = []  # the number of each loop's first client
        self._stopping = False
        self._done = False

    # What a subclass says.

    def prepare(self, link: socket.socket, number: int) -> None:  # noqa: B027
        """A client is connected (blocking): subscribe, and the like. LoadError if refused."""

    @abstractmethod
    def make_loop(self, links: Sequence[socket.socket], first: int, wanted: list[int]) -> Loop:
        """The loop of the clients from number `first` on, with the messages of each (0: no end).
        Shares and pace are set afterwards, by `Bench`."""

    def finish(self) -> None:  # noqa: B027
        """All loops have ended; also after a failure. For `warnings`."""

    # What a caller does.

    def __enter__(self) -> Self:
        try:
            links = [self._connect(number) for number in range(1, self.clients + 1)]
            self._make_loops(links)
        except BaseException:
            self._stack.close()
            raise
        return self

    def _connect(self, number: int) -> socket.socket:
        try:
            link = self._stack.enter_context(self.target.dial())
            self.prepare(link, number)
        except LoadError as error:
            raise LoadError(f"client {number}: {words(error)}") from None
        return link

    def _make_loops(self, links: list[socket.socket]) -> None:
        wanted = (
            split(self.messages, self.clients) if self.SHARED else [self.messages] * self.clients
        )
        first = 0
        for count in split(self.clients, min(self.clients, len(os.sched_getaffinity(0)))):
            some = slice(first, first + count)
            loop = self.make_loop(links[some], first + 1, wanted[some])
            loop.want(wanted[some])
            loop.pace(self.sleep_ns, self.rate / self.clients)
            self._loops.append(loop)
            self._firsts.append(first + 1)
            first += count

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def run(self) -> None:
        """Blocks until all is done or `stop` was called. LoadError names the client that failed;
        `shares` then tells what was done before."""
        threads = Threads(None, 0.0 if self.PATIENT else self.timeout_s)
        if self._stopping:
            self.stop()
        for loop in self._loops:
            threads.start(loop)
        try:
            threads.join()
        except LoadError as error:
            loop = threads.failures[0][0]
            if loop.failed_at < 0:
                raise
            number = self._firsts[self._loops.index(loop)] + loop.failed_at
            raise LoadError(f"client {number}: {words(error)}") from None
        finally:
            self.stop()  # also when a signal's handler raised
            for thread in threads.threads:
                thread.join()
            self._done = True
            self.finish()

    def stop(self) -> None:
        """Ends the run within 50 ms; from any thread or a signal's handler."""
        self._stopping = True
        for loop in self._loops:
            loop.stop()

    def shares(self) -> list[Share]:
        """What each client has done, at any time; how long it took only after the run."""
        shares: list[Share] = []
        for loop, first in zip(self._loops, self._firsts, strict=True):
            made = [Share(first + at, *figures) for at, figures in enumerate(loop.figures())]
            if self._done:
                taken, travelled = loop.operations(), loop.deliveries()
                for share, operations, deliveries in zip(made, taken, travelled, strict=True):
                    share.operations = _histogram(operations)
                    share.deliveries = _histogram(deliveries)
            shares += made
        return shares

    def progress(self) -> list[int]:
        """Messages of each client so far; at any time."""
        return [messages for loop in self._loops for messages in loop.progress()]


def _histogram(snapshot: Snapshot | None) -> Histogram | None:
    return None if snapshot is None else Histogram.of(snapshot)
