"""A server whose service manager is told how it is doing.

Only the program makes one, and only where there is a manager: servers that other programs embed
must not speak for these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pynats_common.network.urls import host_port

from pynats_server.process.notify import Notifier, Patience
from pynats_server.server.accepted import Accepted
from pynats_server.server.server import Server

STATUS_S = 10.0  # between looks at how many clients there are, if the manager waits that long


class ServiceServer(Server):
    """One server, which tells the `notifier`."""

    def __init__(self, options: Accepted | None, notifier: Notifier, program: str) -> None:
        super().__init__(options, program=program)
        self._notifier = notifier
        self._timer: asyncio.TimerHandle | None = None
        self._reloads_running = 0
        self._working = 0  # how much that holds the loop up is under way
        self._long_work: Patience | None = None
        self._jetstream_life.at_work = self._at_work
        # Twice in the time after which the manager takes the process for dead.
        self._interval_s = min(STATUS_S, (notifier.watchdog_s or STATUS_S * 2) / 2)

    async def start(self) -> None:
        patience = Patience(self._notifier.more_time)
        try:
            await super().start()
        finally:
            patience.end()
        if self.ready:
            self._notifier.ready(self._status())
            self._look()
            if watched_s := self._notifier.watchdog_s:
                self._long_work = Patience(self._alive_at_work, watched_s / 4)

    async def reload_aside(self) -> str:
        if not self.ready:  # which is another state than reloading
            return await super().reload_aside()
        self._reloads_running += 1
        self._notifier.reloading()
        try:
            return await super().reload_aside()
        finally:
            self._reloads_running -= 1
            if self.ready and not self._reloads_running:
                self._notifier.ready(self._status())

    def enter_lame_duck(self) -> None:
        super().enter_lame_duck()
        if self.in_lame_duck:
            self._notifier.stopping(self._status())

    async def shutdown(self) -> None:
        if self._shutdown is None:
            self._notifier.stopping("Shutting down")
        await super().shutdown()

    async def wait_stopped(self) -> None:
        await super().wait_stopped()
        if self._timer is not None:
            self._timer.cancel()
        if self._long_work is not None:
            self._long_work.end()
        self._notifier.close()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    def _alive_at_work(self) -> None:
        """From a thread. Where the loop is held up by anything else, the manager is to notice."""
        if self._working:
            self._notifier.at_work()

    def _look(self) -> None:
        """The loop runs, and this is what it serves."""
        self._notifier.alive(self._status())
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._look)

    def _status(self) -> str:
        state = self.state
        if self._shutdown is not None:
            return "Shutting down"
        parts = [_counted(len(state.engine.connections), "connection")]
        if state.jetstream is not None:
            streams = sum(len(each.streams) for each in state.jetstream.accounts.values())
            parts.append(_counted(streams, "stream"))
        where = host_port(state.options.host, state.client_port)
        text = f"{where}: {', '.join(parts)}"
        if self.in_lame_duck:
            return f"Lame duck mode; {text}"
        if state.last_reload is not None and state.last_reload.fault:
            text += f"; configuration not reloaded: {state.last_reload.fault}"
        return text


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
