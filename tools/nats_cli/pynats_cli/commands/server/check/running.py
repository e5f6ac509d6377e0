"""Runs one check and gives its result out: to stdout or a file, with Nagios's exit code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pynats_cli.commands.server.check import BAD_USAGE
from pynats_cli.commands.server.check.formats import encoded, render
from pynats_cli.commands.server.check.options import CheckOptions
from pynats_cli.errors import CliError
from pynats_cli.screen.output import write
from pynats_cli.servers.checks.result import Result

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions


async def run_check(
    options: GlobalOptions,
    shown: CheckOptions,
    result: Result,
    check: Callable[[Session], Awaitable[None]],
) -> int:
    """Connects, checks, gives the result out. Returns the exit code."""
    await connected(options, result, check)
    return give(shown, result)


async def connected(
    options: GlobalOptions, result: Result, check: Callable[[Session], Awaitable[None]]
) -> None:
    """Connects and checks; what goes wrong is in the result."""
    from nats import errors as nats_errors

    from pynats_cli.connect.errors import describe
    from pynats_cli.connect.opening import open_session

    inside = False
    try:
        async with open_session(options) as session:
            inside = True
            await judged(result, check(session))
    except (CliError, nats_errors.Error, TimeoutError, ConnectionError) as error:
        what = "connection lost" if inside else "connection failed"
        result.critical(f"{what}: {describe(error)}")


async def judged(result: Result, work: Awaitable[None]) -> None:
    """An answer that is not what it should be is critical, too."""
    try:
        await work
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        result.critical(f"unexpected answer: {type(error).__name__}: {error}")


def give(shown: CheckOptions, result: Result) -> int:
    """Writes the result. Prometheus reads the state from the page, so its exit code is 0."""
    data = encoded(render(result, shown.format, shown.namespace))
    if shown.outfile:
        replace_file(Path(shown.outfile), data)
    else:
        write(data)
    return 0 if shown.format == "prometheus" else int(result.status)


def replace_file(path: Path, data: bytes) -> None:
    """A reader of the file sees the old or the new content, never a part."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror}", BAD_USAGE) from None
