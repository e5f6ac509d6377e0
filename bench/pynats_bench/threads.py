"""Loops that run in threads of their own: they hold no interpreter lock."""

from __future__ import annotations

import os
import threading

from pynats_bench.engine.loop import Loop


class Threads:
    """Loops that run in threads; the first failure stops all, and `join` raises it."""

    def __init__(self, cores: frozenset[int] | None, stall_s: float) -> None:
        self._cores = cores
        self._stall_s = stall_s
        self.threads: list[threading.Thread] = []
        self._loops: list[Loop] = []
        self.failures: list[tuple[Loop, Exception]] = []

    def start(self, loop: Loop) -> threading.Thread:
        thread = threading.Thread(target=self._run, args=(loop,), daemon=True)
        self._loops.append(loop)
        self.threads.append(thread)
        thread.start()
        return thread

    def _run(self, loop: Loop) -> None:
        try:
            if self._cores:
                os.sched_setaffinity(0, self._cores)
            loop.run(self._stall_s)
        except Exception as error:
            self.failures.append((loop, error))
            self.stop()

    def stop(self) -> None:
        for loop in self._loops:
            loop.stop()

    def join(self) -> None:
        for thread in self.threads:
            thread.join()
        if self.failures:
            raise self.failures[0][1]
