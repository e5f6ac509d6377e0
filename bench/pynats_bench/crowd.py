"""Many connections at once, opened by processes of their own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from socket import socket
from types import TracebackType
from typing import Self

from pynats_bench.model import Endpoint, LoadError
from pynats_bench.session import connect

PROCESSES = 2  # one would be slower than a server on the other core
AT_ONCE = 8  # log-ins in each of them

_open: list[socket] = []  # in the processes


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When the first began and the last was done (monotonic), and what that cost here."""

    began: float
    ended: float
    cpu_seconds: float


def _prepare(cores: frozenset[int] | None, tls: bool, nice: int) -> None:
    os.nice(nice)
    if cores:
        os.sched_setaffinity(0, cores)
    if tls:
        from pynats_bench.secure import client_context

        client_context()


def _arrive(endpoints: list[Endpoint], at_once: int) -> Arrivals:
    """In a process: connects each. They stay open."""
    began, used = time.monotonic(), time.process_time()
    waiting = iter(endpoints)
    errors: list[Exception] = []
    lock = threading.Lock()

    def come() -> None:
        while not errors:
            with lock:
                endpoint = next(waiting, None)
            if endpoint is None:
                return
            try:
                _open.append(connect(endpoint))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=come) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Arrivals(began, time.monotonic(), time.process_time() - used)


def _leave() -> None:
    while _open:
        _open.pop().close()


class Crowd:
    """The processes, during a `with` block; at its end all connections are closed.

    With `nice` they leave the processor to others, the server above all.
    """

    def __init__(self, cores: frozenset[int] | None, *, tls: bool, nice: int = 0) -> None:
        self._pools = [
            ProcessPoolExecutor(
                1,
                mp_context=get_context("spawn"),
                initializer=_prepare,
                initargs=(cores, tls, nice),
            )
            for _ in range(PROCESSES)
        ]

    def __enter__(self) -> Self:
        for ready in [pool.submit(_leave) for pool in self._pools]:
            ready.result()
        return self

    def start(
        self, endpoints: Sequence[Endpoint], at_once: int = AT_ONCE
    ) -> list[Future[Arrivals]]:
        """Everybody begins to connect; `finished` waits for them."""
        return [
            pool.submit(_arrive, list(endpoints[number::PROCESSES]), at_once)
            for number, pool in enumerate(self._pools)
        ]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pool in self._pools:
            pool.submit(_leave)
        for pool in self._pools:
            pool.shutdown()


def finished(parts: Sequence[Future[Arrivals]]) -> Arrivals:
    """Waits for all of them. LoadError if one was not let in."""
    try:
        done = [part.result() for part in parts]
    except OSError as error:
        raise LoadError(str(error)) from None
    return Arrivals(
        min(each.began for each in done),
        max(each.ended for each in done),
        sum(each.cpu_seconds for each in done),
    )
