"""Several loads at once: one that is measured, and others beside it without which it has nothing to
do: subscribers, services, publishers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from pynats_bench.clients.histogram import all_together
from pynats_bench.clients.model import Share
from pynats_bench.judging.contest import Figures, Run
from pynats_bench.judging.disturbance import Watch
from pynats_bench.judging.serverprocess import ServerProcess
from pynats_bench.model import LoadError

LOOK_EVERY_S = 0.02
LEFT_BEHIND_S = 1.0  # without progress, once what it waits for has ended


class Running(Protocol):
    """A connected `Bench`."""

    def run(self) -> None: ...
    def stop(self) -> None: ...
    def progress(self) -> list[int]: ...
    def shares(self) -> list[Share]: ...


class _Thread:
    """A load in a thread of its own, and how it ended."""

    def __init__(self, bench: Running) -> None:
        self.bench = bench
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._messages = -1
        self._changed = time.monotonic()

    def _run(self) -> None:
        try:
            self.bench.run()
        except BaseException as error:
            self.error = error

    def alive(self) -> bool:
        return self._thread.is_alive()

    def idle_s(self) -> float:
        """How long it has made no progress, as far as anybody has asked."""
        messages, now = sum(self.bench.progress()), time.monotonic()
        if messages != self._messages:
            self._messages, self._changed = messages, now
        return now - self._changed

    def endless(self) -> bool:
        return all(share.wanted == 0 for share in self.bench.shares())

    def end(self) -> None:
        self.bench.stop()
        self._thread.join()


class Together:
    """Connected loads; `run` once. The first is the one that is measured."""

    def __init__(self, benches: Sequence[Running], server: ServerProcess) -> None:
        self._benches = benches
        self._server = server
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends the run soon; from any thread or a signal's handler."""
        self._stopped.set()

    def run(self) -> Run | None:
        """Blocks until all is done; None when it was stopped. LoadError says what went wrong."""
        before, watch = self._server.cpu_seconds(), Watch()
        others = [_Thread(bench) for bench in self._benches[1:]]
        measured = _Thread(self._benches[0])
        try:
            self._wait_for(measured, others)
            foreign, used = self._used(before, watch)
            self._wait_for_others(others)
        finally:
            for thread in (measured, *others):
                thread.end()
        for thread in (measured, *others):
            if thread.error is not None:
                raise thread.error
        if self._stopped.is_set():
            return None
        loads = tuple(figures_of(bench.shares()) for bench in self._benches)
        if not loads[0].messages:
            raise LoadError("the load did nothing")
        per_message = None if used is None else used / loads[0].messages * 1e6
        return Run(loads, foreign, per_message)

    def _wait_for(self, measured: _Thread, others: Sequence[_Thread]) -> None:
        while measured.alive() and not self._stopped.wait(LOOK_EVERY_S):
            if any(other.error for other in others):
                return
            if others and not any(map(_Thread.alive, others)):
                if measured.idle_s() > LEFT_BEHIND_S and measured.alive():
                    _complain_if_behind(measured.bench)
                    return
            else:
                measured.idle_s()

    def _wait_for_others(self, others: Sequence[_Thread]) -> None:
        for other in others:
            while other.alive() and not other.endless() and other.idle_s() <= LEFT_BEHIND_S:
                if self._stopped.wait(LOOK_EVERY_S):
                    return

    def _used(self, before: float | None, watch: Watch) -> tuple[float | None, float | None]:
        """What others used of the machine, and CPU seconds of the server."""
        after = self._server.cpu_seconds()
        if not watch.seen_enough():  # for either
            return None, None
        if before is None or after is None:
            # A server elsewhere uses nothing here; one that is hidden looks like others.
            return (watch.foreign(0.0) if self._server.elsewhere else None), None
        return watch.foreign(after - before), after - before


def _complain_if_behind(bench: Running) -> None:
    had, wanted = sum(bench.progress()), sum(share.wanted for share in bench.shares())
    if had < wanted:
        raise LoadError(f"it had {had:,} of {wanted:,} messages when the others had ended")


def figures_of(shares: Sequence[Share]) -> Figures:
    """All clients together: from the first message of any to the last."""
    begun = [share for share in shares if share.first_ns and share.last_ns]
    messages = sum(share.messages for share in shares)
    if not begun or not messages:
        return Figures(0.0, 0, 0.0)
    first, last = min(share.first_ns for share in begun), max(share.last_ns for share in begun)
    seconds = max(last - first, 1) / 1e9
    taken = all_together(share.operations for share in shares)
    latency = taken if taken is not None else all_together(share.deliveries for share in shares)
    if latency is None:
        return Figures(messages / seconds, messages, seconds)
    p50, p90, p99 = (latency.quantile(fraction) for fraction in (0.5, 0.9, 0.99))
    return Figures(messages / seconds, messages, seconds, p50, p90, p99)
