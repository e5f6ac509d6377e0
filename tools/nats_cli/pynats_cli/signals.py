"""Signals while a command runs in the event loop: Ctrl-C ends what waits, and also what holds the
loop or the program's end, where nobody looks at the loop: a regular expression that takes years, a
file whose other side never opens it, a thread that reads one.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pynats_common.program.running import INTERRUPTED, end_line

PATIENCE_S = 1.0
"""How long the loop may be held after Ctrl-C, and how long the end may take once it was left."""
_HAS_ALARMS = hasattr(signal, "setitimer")


class _Patience:
    """Looks from the first signal on whether the loop still turns. If it does not, what holds it
    ends with KeyboardInterrupt. Where there are no alarms (Windows), the next Ctrl-C does that."""

    def __init__(self) -> None:
        self._asked: asyncio.AbstractEventLoop | None = None  # since a signal has come
        self._turned = False
        self._before: Any = None

    def lose(self, loop: asyncio.AbstractEventLoop) -> None:
        """A signal has come."""
        if self._asked is None:
            self._asked = loop
            if _HAS_ALARMS:
                self._before = signal.signal(signal.SIGALRM, self._alarm)
        elif not _HAS_ALARMS and not self._turned:
            raise KeyboardInterrupt
        self._ask(loop)

    def leave(self) -> None:
        """The loop has nothing to do any more: what is waited for now are threads."""
        if self._asked is not None:
            self._wind()
            self._turned = False

    def end(self) -> None:
        """The program is ending."""
        if self._asked is not None and _HAS_ALARMS:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)
        self._asked = None

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turned = False
        self._wind()
        loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._turned = True

    def _wind(self) -> None:
        if _HAS_ALARMS:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE_S, PATIENCE_S)

    def _alarm(self, _number: int, _frame: FrameType | None) -> None:
        if not self._turned or self._asked is None:
            raise KeyboardInterrupt
        self._ask(self._asked)


_current: _Patience | None = None
_asked_to_end = threading.Event()  # by SIGTERM


@contextmanager
def patience() -> Iterator[None]:
    """Around a loop: within it signals are heeded whatever the loop does."""
    global _current
    _asked_to_end.clear()
    _current = ours = _Patience()
    try:
        yield
    finally:
        ours.end()
        _current = None


@contextmanager
def leaving() -> Iterator[None]:
    """Around all that a loop is there for."""
    try:
        yield
    finally:
        if _current is not None:
            _current.leave()


@contextmanager
def on_signals(numbers: tuple[signal.Signals, ...], act: Callable[[], None]) -> Iterator[None]:
    """`act` runs in the loop when one of the signals arrives."""
    loop = asyncio.get_running_loop()

    def arrived(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        if _current is not None:
            _current.lose(loop)

    before = {number: signal.signal(number, arrived) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """What takes longer ends with TimeoutError, also where it holds the loop. In other threads, and
    where there are no alarms (Windows), nothing is limited."""
    if not _HAS_ALARMS or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    others = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGALRM) is late:  # no signal has come meanwhile
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            signal.setitimer(signal.ITIMER_REAL, *others)


class StopEvent(asyncio.Event):
    """See `stop_event`. `code` is what the program ends with: that of an interrupt after Ctrl-C."""

    code = 0

    def interrupt(self) -> None:
        self.code = INTERRUPTED
        end_line()
        self.set()


@contextmanager
def stop_event() -> Iterator[StopEvent]:
    """An event that SIGINT and SIGTERM set, so that what was begun can be finished. After SIGTERM
    the program ends of it when `run_async` is through: who started it shall see that."""
    stopped = StopEvent()

    def end() -> None:
        _asked_to_end.set()
        stopped.set()

    with on_signals((signal.SIGINT,), stopped.interrupt), on_signals((signal.SIGTERM,), end):
        yield stopped


@contextmanager
def before_sigterm(act: Callable[[], None]) -> Iterator[None]:
    """`act` runs before SIGTERM ends the program."""

    def end() -> None:
        _asked_to_end.set()
        try:
            act()
        finally:
            end_if_asked()

    with on_signals((signal.SIGTERM,), end):
        yield


def end_if_asked() -> None:
    """Ends the program if SIGTERM has asked for it."""
    if not _asked_to_end.is_set():
        return
    _asked_to_end.clear()
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
