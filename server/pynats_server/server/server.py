"""The server: its parts, and their life from start to shutdown.

async with Server(Options(port=-1)) as server:
    ...  # clients connect to server.client_url
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pynats_server.clients.handler import ClientHandler
from pynats_server.clients.limits import configure_engine
from pynats_server.core.engine import Engine
from pynats_server.log.logger import Logger, open_logger
from pynats_server.options import Options
from pynats_server.server.info import InfoMessage
from pynats_server.server.jetstream_life import JetStreamError, JetStreamLife
from pynats_server.server.lame_duck import LameDuck
from pynats_server.server.listen import (
    ClientListener,
    ListenError,
    client_url,
    host_port,
    monitor_url,
)
from pynats_server.server.run_files import RunFileError, RunFiles
from pynats_server.server.state import ServerState
from pynats_server.settings import startup_warnings, validate
from pynats_server.version import PYNATS_VERSION, VERSION

if TYPE_CHECKING:
    from pynats_server.monitor import MonitorServer

PENDING_LOOK_S = 0.005  # between checks of the output queues at shutdown


class ServerError(Exception):
    """The server cannot start or cannot fulfil a request; the text says why."""


class Server:
    """One broker in the running asyncio loop."""

    def __init__(
        self, options: Options | None = None, *, logger: Logger | None = None,
        program: str = "pynats-server",
    ) -> None:  # fmt: skip
        options = dataclasses.replace(options) if options is not None else Options()
        try:
            validate(options)
        except ValueError as error:
            raise ServerError(str(error)) from None
        self._own_log = logger is None
        self.log = logger if logger is not None else open_logger(options.log, program)
        self.state = ServerState(options, self.log, program)
        self.load_options: Callable[[], Options] | None = None  # reads the configuration again
        self.info = InfoMessage(self.state)
        self._jetstream_life = JetStreamLife(self.state)
        self.handler = ClientHandler(self.state, self.info)
        self._listener = ClientListener(self.state, self.handler.on_accept)
        self._monitor: MonitorServer | None = None
        self._lame_duck: LameDuck | None = None
        self._run_files = RunFiles(self.state)
        self._stopped = asyncio.Event()
        self._stopping = False

    @property
    def options(self) -> Options:
        """The current options; a reload replaces the whole object."""
        return self.state.options

    @property
    def id(self) -> str:
        """The public NKey that INFO names."""
        return self.state.id

    @property
    def name(self) -> str:
        """The configured name, else the id."""
        return self.state.name

    @property
    def http_port(self) -> int:
        """The port of monitoring; 0 when it is off."""
        return self.state.http_port

    @property
    def ready(self) -> bool:
        """Whether clients can connect."""
        return self.state.ready

    @property
    def client_port(self) -> int:
        """The port for clients; 0 before the start."""
        return self.state.client_port

    # -- life -------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.shutdown()

    async def start(self) -> None:
        """Opens every configured listener. On ServerError everything is closed again."""
        loop = asyncio.get_running_loop()
        self.log.attach(loop)
        self._announce()
        state = self.state
        state.engine = Engine(loop, self.handler)
        configure_engine(state.engine, state.options)
        try:
            self._listener.bind()
            self.info.refresh()
            self._run_files.write_pid()
            await self._start_monitor()  # before JetStream, so that probes are answered early
            if self._stopping or self.in_lame_duck:  # a signal arrived first
                if self._stopping and self._monitor is not None:
                    await self._monitor.stop()
                return
            if state.options.jetstream.enabled:
                self._jetstream_life.start()
            self._listener.open()
            address = host_port(state.options.host, state.client_port)
            self.log.notice(f"Listening for client connections on {address}")
            self._run_files.write_ports()
        except (OSError, ListenError, JetStreamError, RunFileError) as error:
            await self.shutdown()
            text = _explain(error) if isinstance(error, OSError) else str(error)
            raise ServerError(text) from error
        except BaseException:
            await self.shutdown()
            raise
        state.ready = True
        self.log.notice("Server is ready")

    def _announce(self) -> None:
        state, log, options = self.state, self.log, self.state.options
        log.notice(f"Starting {state.program}")
        log.notice(f"  Version:  {VERSION}")
        log.notice(f"  PyNATS:   {PYNATS_VERSION}")
        log.notice("  Git:      [not set]")
        log.notice(f"  Name:     {state.name}")
        log.notice(f"  ID:       {state.id}")
        if options.config_file:
            digest = f" ({options.config_digest})" if options.config_digest else ""
            log.notice(f"Using configuration file: {options.config_file}{digest}")
        for warning in startup_warnings(options):
            log.warn(warning)

    async def _start_monitor(self) -> None:
        if not self.options.http_port:
            return
        from pynats_server.monitor import MonitorServer

        host = self.options.http_host or self.options.host
        self._monitor = MonitorServer(self.state)
        self.state.http_port = await self._monitor.start(host, max(0, self.options.http_port))
        self.log.notice(f"Starting http monitor on {host_port(host, self.state.http_port)}")

    async def shutdown(self) -> None:
        """Closes everything. Idempotent; a second caller waits for the first."""
        if self._stopping:
            await self._stopped.wait()
            return
        self._stopping = True
        self.state.ready = False
        self.log.notice("Initiating Shutdown...")
        if self._lame_duck is not None:
            self._lame_duck.cancel()
        self._listener.close()
        if self._monitor is not None:
            await self._monitor.stop()
        await self.handler.stop()
        if self.state.jetstream is not None:
            for client in self.state.clients():
                client.hold()
        await self._jetstream_life.stop()
        await self._hand_over_pending()
        self.state.engine.close()
        self._run_files.remove()
        self.log.notice("Server Exiting..")
        if self._own_log:
            self.log.close()
        else:
            self.log.detach()
        self._stopped.set()

    async def _hand_over_pending(self) -> None:
        """Waits until queued output is sent, at most for the write deadline: senders got their
        PONG, so an orderly shutdown must not drop these messages. Reading has stopped, so the
        queues only shrink."""
        for client in self.state.clients():
            client.hold()
        loop = asyncio.get_running_loop()
        end = loop.time() + self.options.write_deadline
        while any(client.pending_bytes for client in self.state.clients()) and loop.time() < end:
            await asyncio.sleep(PENDING_LOOK_S)

    async def wait_stopped(self) -> None:
        """Returns once the server has shut down."""
        await self._stopped.wait()

    # -- addresses --------------------------------------------------------------------------

    @property
    def client_url(self) -> str:
        """Where clients connect, e.g. `nats://127.0.0.1:4222`."""
        return client_url(self.state)

    @property
    def monitor_url(self) -> str:
        """Where monitoring answers; empty when it is off."""
        return monitor_url(self.state)

    # -- commands ----------------------------------------------------------------

    def enter_lame_duck(self) -> None:
        """Stops accepting, tells clients, closes them over time, then shuts down."""
        if self._lame_duck is None and not self._stopping:
            self.log.notice("Entering lame duck mode, stop accepting new clients")
            self._listener.close()
            self.state.ready = False  # balancers that ask /healthz send clients elsewhere
            self._lame_duck = LameDuck(self.state, self.info, self.shutdown)
            self._lame_duck.start()

    @property
    def in_lame_duck(self) -> bool:
        """Whether lame duck mode has begun."""
        return self._lame_duck is not None

    def reload(self) -> bool:
        """Applies the configuration file again: all of it or, when a change is impossible at run
        time or the file is wrong, nothing. Returns whether it was applied; the log says why."""
        try:
            from pynats_server.server.reload import (
                Parts,
                apply_reload,
            )  # loads the table of settings
        except (ImportError, OSError) as error:  # for example, no descriptor is left
            self.log.error(f"Failed to reload server configuration: {error}")
            return False
        parts = Parts(self.state, self.handler, self.info, self._jetstream_life, self._run_files)
        return apply_reload(parts, self.load_options)

    def reopen_log(self) -> None:
        """Reopens the log file (after it was moved away)."""
        self.log.reopen()


def _explain(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"
