"""Runs a command's coroutine: signals, and errors of the client turned into CliError."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError

RECANCEL_S = 0.5
"""Pause before an interrupted command is cancelled again: nats-py swallows some cancellations."""


def run_async(work: Coroutine[Any, Any, None]) -> None:
    """Runs to the end; Ctrl-C raises KeyboardInterrupt. Raises CliError for what NATS refuses."""
    from nats import errors as nats_errors

    from pynats_cli.connect.connection import describe

    try:
        asyncio.run(_interruptible(work))
    except (TimeoutError, nats_errors.Error) as error:
        raise CliError(describe(error)) from None
    except (ConnectionResetError, ConnectionAbortedError):  # not the broken pipe of our output
        raise CliError("nats: connection lost") from None
    except UnicodeEncodeError as error:  # arguments can be any bytes, subjects and headers cannot
        raise CliError(f"{quote(error.object)} is not valid UTF-8") from None


async def _interruptible(work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        if not task.done():
            task.cancel()
            loop.call_later(RECANCEL_S, interrupt)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        await asyncio.wait({task})
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    if interrupted:
        raise KeyboardInterrupt
    await task


@contextmanager
def stop_event() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set instead of ending the program."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
