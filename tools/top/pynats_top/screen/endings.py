"""Signals that end the program: the terminal is put back first."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


@contextmanager
def signals_end(end: Callable[[int], None]) -> Iterator[None]:
    """`end` is called with the exit code that a shell gives for the signal; needs a running
    loop."""
    loop = asyncio.get_running_loop()
    watched: list[signal.Signals] = []
    for name in _NAMES:
        number: signal.Signals | None = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, end, 128 + number)
        except (NotImplementedError, RuntimeError, ValueError):
            continue  # no signals here, or not in this thread
        watched.append(number)
    try:
        yield
    finally:
        for number in watched:
            loop.remove_signal_handler(number)
