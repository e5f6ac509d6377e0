"""From options to pollers, and from those to a screen or a text."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynats_cli.errors import CliError

from pynats_top.collect.source import TIMEOUT_S, Source, SourceError
from pynats_top.options import TopOptions

if TYPE_CHECKING:
    import ssl

    from pynats_cli.global_options import GlobalOptions

    from pynats_top.collect.poller import Poller
    from pynats_top.collect.record import Recording
    from pynats_top.collect.system import SystemAccount


@dataclass
class Target:
    """Who is to be asked: monitoring addresses, or the system account for servers by name."""

    urls: Sequence[str] = ()
    names: Sequence[str] = ()
    login: tuple[str, str | None] = field(default=("", None), repr=False)
    tls: ssl.SSLContext | None = None
    system: GlobalOptions | None = None
    timeout_s: float = TIMEOUT_S  # of a poll of a monitoring port


def run(options: TopOptions, target: Target) -> int:
    """Shows what was asked for; the exit code. Raises CliError."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    headless = options.once or bool(options.output) or (options.refreshes > 0 and not terminal)
    if headless:
        return _until_done(_without_screen(options, target), target)
    if not terminal:
        raise CliError("the screen needs a terminal: use --once, or -o FILE for a file")
    return _until_done(_with_screen(options, target), target)


def _until_done(work: Coroutine[Any, Any, int], target: Target) -> int:
    if target.system is None:
        return asyncio.run(work)
    from pynats_cli.runner import run_async  # loads nats-py

    result: int = run_async(work)
    return result


async def _with_screen(options: TopOptions, target: Target) -> int:
    from pynats_top.screen.app import show_screen

    opened = _Opened(options, target)
    try:
        pollers = await opened.open()
        finds = target.system is not None and not target.names and not options.replay
        return await show_screen(pollers, options, opened.newcomers if finds else None)
    finally:
        await opened.close()


async def _without_screen(options: TopOptions, target: Target) -> int:
    from pynats_top.once import save, show

    opened = _Opened(options, target)
    try:
        pollers = await opened.open()
        for poller in pollers:
            poller.look_at(options.parts)
            poller.set_auth(options.form != "text" or options.view == "all")
        work: Callable[[Sequence[Poller], TopOptions], Awaitable[int]]
        work = save if options.output else show
        return await work(pollers, options)
    finally:
        await opened.close()


class _Opened:
    """The sources, and what has to be closed."""

    def __init__(self, options: TopOptions, target: Target) -> None:
        self._options = options
        self._target = target
        self._sources: list[Source] = []
        self._account: SystemAccount | None = None
        self._recording: Recording | None = None

    async def open(self) -> list[Poller]:
        """A poller for each server. Raises CliError."""
        from pynats_top.collect.poller import Poller

        self._sources = await self._open()
        if self._options.record:
            self._recording = self._record()
            self._sources = self._recorded(self._sources, self._recording)
        return [Poller(source, self._options, _nobody) for source in self._sources]

    async def newcomers(self) -> list[Poller]:
        """Pollers of the servers of the system account that were not there before. Raises
        SourceError."""
        from pynats_top.collect.poller import Poller

        if self._account is None:
            return []
        found: list[Source] = [*await self._account.newcomers()]
        if self._recording is not None:
            found = self._recorded(found, self._recording)
        self._sources += found
        return [Poller(source, self._options, _nobody) for source in found]

    async def _open(self) -> list[Source]:
        options, target = self._options, self._target
        if options.replay:
            return list(_replayed(options))
        if target.system is not None:
            from pynats_top.collect.system import SystemAccount

            self._account = SystemAccount(target.system)
            return list(await self._account.servers(target.names))
        from pynats_top.collect.http import HttpSource

        return [
            HttpSource(url, tls=target.tls, login=target.login, timeout_s=target.timeout_s)
            for url in target.urls
        ]

    def _record(self) -> Recording:
        from pynats_top.collect.record import Recording

        path, replayed = Path(self._options.record), self._options.replay
        if replayed and path.exists() and path.samefile(replayed):
            raise CliError(f"cannot record to {path}: it is what is replayed")
        try:
            return Recording(self._options.record)
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise CliError(f"cannot record to {self._options.record}: {words}") from None

    @staticmethod
    def _recorded(sources: Sequence[Source], recording: Recording) -> list[Source]:
        from pynats_top.collect.record import RecordedSource

        return [RecordedSource(source, recording) for source in sources]

    async def close(self) -> None:
        """Ends all of them."""
        for source in self._sources:
            await source.close()
        if self._account is not None:
            await self._account.close()
        if self._recording is not None:
            self._recording.close()


def _replayed(options: TopOptions) -> list[Source]:
    from pynats_top.collect.replay import ReplaySource
    from pynats_top.collect.stored import read_recording

    try:
        recorded = read_recording(options.replay)
    except SourceError as error:
        raise CliError(str(error)) from None
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        raise CliError(f"cannot read {options.replay}: {words}") from None
    return [ReplaySource(label, polls, options.speed) for label, polls in recorded.items()]


def _nobody() -> None:
    """Who has not looked yet."""
