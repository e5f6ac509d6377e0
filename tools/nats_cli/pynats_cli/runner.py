"""Runs a command's coroutine: signals, and errors of the client turned into CliError."""

from __future__ import annotations

import asyncio
import select
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pynats_common.go.quoting import quote
from pynats_common.program.running import INTERRUPTED, end_line

from pynats_cli.errors import CliError

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions

RECANCEL_S = 0.5
"""Pause before an interrupted command is cancelled again: nats-py swallows some cancellations."""


def run_connected(
    function: Callable[[Session, Any], Coroutine[Any, Any, Any]],
    options: GlobalOptions,
    chosen: Any,
) -> Any:
    """What a command's function returns for a connected session and its options."""
    from pynats_cli.connect.opening import open_session

    async def work() -> Any:
        async with open_session(options) as session:
            return await function(session, chosen)

    return run_async(work())


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """The result; Ctrl-C raises KeyboardInterrupt. Raises CliError for errors of NATS."""
    guarded = _interruptible(work)
    try:
        result = _run(guarded)
    finally:
        # An interrupt may come before they began, of which Python would complain.
        guarded.close()
        work.close()
    if _asked_to_end.is_set():
        _end_of_signal(signal.SIGTERM)
    return result


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from nats import errors as nats_errors

    from pynats_cli.connect.errors import CONNECTION_LOST, describe

    try:
        return asyncio.run(work)
    except (TimeoutError, nats_errors.Error) as error:
        raise CliError(describe(error)) from None
    except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            raise
        raise CliError(CONNECTION_LOST) from None
    except UnicodeEncodeError as error:  # arguments can hold any bytes, subjects and headers cannot
        raise CliError(f"{quote(error.object)} is not valid UTF-8") from None


def _reader_is_gone() -> bool:
    """Whether nobody reads our output any more; otherwise a pipe that broke was a connection."""
    try:
        ready = select.poll()
        ready.register(sys.stdout.fileno(), 0)
        return any(state & (select.POLLERR | select.POLLHUP) for _, state in ready.poll(0))
    except (AttributeError, OSError, ValueError):  # no poll(), or no descriptor
        return True


async def _interruptible(work: Coroutine[Any, Any, Any]) -> Any:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(_ending_in_order(work))
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        if not task.done():
            task.cancel()
            loop.call_later(RECANCEL_S, interrupt)

    with _on_signals((signal.SIGINT,), interrupt):
        await asyncio.wait({task})
    if interrupted:
        raise KeyboardInterrupt
    try:
        return await task
    except _InterruptedError:
        raise KeyboardInterrupt from None


class _InterruptedError(Exception):
    """Ctrl-C at a question."""


async def _ending_in_order(work: Coroutine[Any, Any, Any]) -> Any:
    """A task that ends with KeyboardInterrupt stops the loop where it stands, and is reported as
    one whose error nobody looked at."""
    try:
        return await work
    except KeyboardInterrupt:
        raise _InterruptedError from None


class StopEvent(asyncio.Event):
    """See `stop_event`. `code` is what the program ends with: that of an interrupt after Ctrl-C."""

    code = 0

    def interrupt(self) -> None:
        self.code = INTERRUPTED
        end_line()
        self.set()


_asked_to_end = threading.Event()  # by SIGTERM


@contextmanager
def stop_event() -> Iterator[StopEvent]:
    """An event that SIGINT and SIGTERM set, so that what was begun can be finished. After SIGTERM
    the program ends of it when `run_async` is through: who started it shall see that."""
    stopped = StopEvent()
    _asked_to_end.clear()

    def end() -> None:
        _asked_to_end.set()
        stopped.set()

    with _on_signals((signal.SIGINT,), stopped.interrupt), _on_signals((signal.SIGTERM,), end):
        yield stopped


def _end_of_signal(number: signal.Signals) -> None:
    _asked_to_end.clear()
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


@contextmanager
def _on_signals(numbers: tuple[signal.Signals, ...], act: Callable[[], None]) -> Iterator[None]:
    """`act` runs in the loop when one of the signals arrives."""
    loop = asyncio.get_running_loop()
    before = {}
    for number in numbers:
        try:
            loop.add_signal_handler(number, act)
        except NotImplementedError:  # Windows: the loop has no way to wait for signals
            before[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))
    try:
        yield
    finally:
        for number in numbers:
            if number in before:
                signal.signal(number, before[number])
            else:
                loop.remove_signal_handler(number)
