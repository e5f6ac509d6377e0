"""Runs a command's coroutine: signals, and errors of the client turned into CliError."""

from __future__ import annotations

import asyncio
import select
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError
from pynats_cli.signals import end_if_asked, leaving, on_signals, patience

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
    end_if_asked()
    return result


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from nats import errors as nats_errors

    from pynats_cli.connect.errors import CONNECTION_LOST, describe

    try:
        with patience():
            return asyncio.run(work)
    except (TimeoutError, nats_errors.Error) as error:
        raise CliError(describe(error)) from None
    except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            raise
        raise CliError(CONNECTION_LOST) from None
    except UnicodeEncodeError as error:  # arguments can hold any bytes, subjects and headers cannot
        raise CliError(f"{quote(_odd_word(error))} is not valid UTF-8") from None


def _odd_word(error: UnicodeEncodeError) -> str:
    """What cannot be encoded: mostly one word of a line of the protocol."""
    before, after = error.object[: error.start], error.object[error.start :]
    return "".join([*before.split(" ")[-1:], *after.split(" ")[:1]]).strip()


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
    # What it raises is told below, or known: it was interrupted while it held the loop.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        if not task.done():
            task.cancel()
            loop.call_later(RECANCEL_S, interrupt)

    with leaving(), on_signals((signal.SIGINT,), interrupt):
        await asyncio.wait({task})
    if interrupted:
        raise KeyboardInterrupt
    try:
        return await task
    except _InterruptedError:
        raise KeyboardInterrupt from None


class _InterruptedError(Exception):
    """Ctrl-C at a question, or in what holds the loop."""


async def _ending_in_order(work: Coroutine[Any, Any, Any]) -> Any:
    """A task that ends with KeyboardInterrupt stops the loop where it stands, and is reported as
    one whose error nobody looked at."""
    try:
        return await work
    except KeyboardInterrupt:
        raise _InterruptedError from None
