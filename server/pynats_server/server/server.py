"""The server: its parts, and their life from start to shutdown.

async with Server(Options(port=-1)) as server:
    ...  # clients connect to server.client_url

A server lives once: new, started, stopped. What does not fit its state is a `ServerError`.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from functools import partial
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from pynats_common.network.urls import host_port

from pynats_server.auth.own import Verify
from pynats_server.clients.handler import ClientHandler
from pynats_server.clients.limits import configure_engine
from pynats_server.clients.rates import limit_accounts
from pynats_server.core.engine import Engine
from pynats_server.log.logger import LogError, Logger, open_logger
from pynats_server.log.target import LogTarget, open_target
from pynats_server.options import FEATURES, Options
from pynats_server.server.accepted import Accepted, accept
from pynats_server.server.info import InfoMessage
from pynats_server.server.jetstream_life import JetStreamError, JetStreamLife
from pynats_server.server.lame_duck import LameDuck
from pynats_server.server.listen import ClientListener, ListenError, client_url, monitor_url
from pynats_server.server.log_levels import change_log_levels
from pynats_server.server.operator_life import OperatorError, OperatorLife
from pynats_server.server.resolver_life import ResolverLife
from pynats_server.server.run_files import RunFileError, RunFiles
from pynats_server.server.state import ServerState
from pynats_server.server.tls_watch import TlsWatch
from pynats_server.settings import checked, startup_warnings, validate_start
from pynats_server.system.events import Events
from pynats_server.system.server_block import ServerBlock
from pynats_server.system.services import Desk
from pynats_server.tls.errors import PlanError
from pynats_server.tracing import Tracer
from pynats_server.version import PYNATS_VERSION, VERSION
from pynats_server.work import Turns

if TYPE_CHECKING:
    from pynats_server.monitor.serving.listener import MonitorServer
    from pynats_server.tls.force import TlsInForce
    from pynats_server.tls.https import HttpsContexts

PENDING_LOOK_S = 0.005  # between checks of the output queues at shutdown


class ServerError(Exception):
    """The server cannot start or cannot fulfil a request; the text says why."""


class _Log(enum.Enum):
    """The default of `Server(log=…)`: as `Options.log` says."""

    AS_OPTIONS = 0


class Server:
    """One broker in the running asyncio loop.

    `options` are copied, unless they were accepted already; `ServerError` names a field that has a
    wrong value. `log` replaces `options.log`: the name or number of a level (its lines go to
    standard error), a `logging.Logger`, or None for no log. `authenticator` is asked about every
    log-in, before what the options say (docs/guides/authentication.md).
    """

    def __init__(
        self, options: Options | Accepted | None = None, *, log: LogTarget | _Log = _Log.AS_OPTIONS,
        program: str = "pynats-server", authenticator: Verify | None = None,
    ) -> None:  # fmt: skip
        try:
            if not isinstance(options, Accepted):
                options = accept(checked(options if options is not None else Options()))
            validate_start(options.options)
            self._own_log = not isinstance(log, Logger)
            self.log = (
                open_logger(options.options.log, program)
                if isinstance(log, _Log)
                else open_target(log, options.options.log)
            )
        except (ValueError, LogError) as error:
            raise ServerError(str(error)) from None
        self._plan = options.plan
        self.state = ServerState(options.options, self.log, program, authenticator)
        self.load_options: Callable[[], Options] | None = None  # reads the configuration again
        self._reloading = asyncio.Lock()
        self._reloads: set[asyncio.Future[str]] = set()
        self.info = InfoMessage(self.state)
        self._jetstream_life = JetStreamLife(self.state)
        block = ServerBlock(self.state)
        self.events = Events(self.state, block)
        self._desk = Desk(
            self.state, block, self.info, self.reload_aside, partial(change_log_levels, self.state)
        )
        self._resolver_life = ResolverLife(self.state, self._desk)
        self.handler = ClientHandler(self.state, self.info, self.events, Tracer(self.state, block))
        self._operator = OperatorLife(
            self.state, self.handler, self._jetstream_life, self._resolver_life
        )
        self._listener = ClientListener(self.state, self.handler.on_accept)
        self._monitor: MonitorServer | None = None
        self._https: HttpsContexts | None = None
        self._lame_duck: LameDuck | None = None
        self._started = False
        self._run_files = RunFiles(self.state)
        self._tls_watch = TlsWatch(self.state, self._end_soon)
        self._stopped = asyncio.Event()
        self._shutdown: asyncio.Task[None] | None = None
        self._fault = ""  # why the start has failed: the last line of the log

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
    def https_port(self) -> int:
        """The port of monitoring over HTTPS; 0 when it is off."""
        return self.state.https_port

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
        """Opens every configured listener. On ServerError everything is closed again. A server is
        started once; a second time is a ServerError, too, and leaves it as it is."""
        if self._started or self._shutdown is not None:
            was = "stopped" if self._shutdown is not None else "started"
            raise ServerError(f"the server was {was} already; make another one to start")
        self._started = True
        loop = asyncio.get_running_loop()
        self.log.attach(loop)
        self._announce()
        state = self.state
        try:
            state.engine = Engine(loop, self.handler)  # which needs a descriptor
            state.turns = Turns(loop, self._on_failed_work)
            configure_engine(state)
            state.share(self._plan)
            await self._operator.start()
            self._desk.open()
            self.events.start(loop)
            limit_accounts(state)
            if state.options.tls is not None:
                state.tls = await asyncio.to_thread(_put_in_force, state.options)
            self._listener.bind()
            self.info.refresh()
            self._run_files.write_pid()
            await self._start_monitor()  # before JetStream, so that probes are answered early
            stopping = self._shutdown is not None
            if stopping or self.in_lame_duck:  # a signal arrived first
                if stopping and self._monitor is not None:
                    await self._monitor.stop()
                return
            if state.options.jetstream.enabled and state.options.jetstream.key:
                await self._jetstream_life.prepare()
                if self._is_ending():
                    return
            if state.options.jetstream.enabled:
                self._jetstream_life.start()
                await self._operator.recover()
            self._listener.open()
            address = host_port(state.options.host, state.client_port)
            self.log.notice(f"Listening for client connections on {address}")
            if state.tls is not None:
                how = "available" if state.options.allow_non_tls else "required"
                self.log.notice(f"TLS {how} for client connections")
                self.log.notice(f"TLS engine: {state.tls.engine.name}")
            self._tls_watch.follow()
            self._run_files.write_ports()
        except (
            OSError, ListenError, JetStreamError, RunFileError, PlanError, OperatorError,
        ) as error:  # fmt: skip
            text = _explain(error) if isinstance(error, OSError) else str(error)
            self._fault = text
            await self.shutdown()
            raise ServerError(text) from error
        except BaseException:
            await self.shutdown()
            raise
        state.ready = True
        self.log.notice("Server is ready")
        self.log.write_aside()  # whoever sees that it is ready finds all lines up to there

    def _end_soon(self) -> None:
        """Something that it cannot run without has gone."""
        self._ending = asyncio.ensure_future(self.shutdown())

    def _is_ending(self) -> bool:
        return self._shutdown is not None or self.in_lame_duck

    def _on_failed_work(self, error: BaseException) -> None:
        self.log.error(f"internal error, please report: {error!r}")

    def _announce(self) -> None:
        state, log, options = self.state, self.log, self.state.options
        log.notice(f"Starting {state.program}")
        log.notice(f"  Version:  {VERSION}")
        log.notice(f"  PyNATS:   {PYNATS_VERSION}")
        log.notice("  Git:      [not set]")
        log.notice(f"  Name:     {state.name}")
        log.notice(f"  ID:       {state.id}")
        for flag, is_on in options.feature_flags.items():
            known = ("on" if is_on else "off") if flag in FEATURES else "unknown, does nothing"
            log.notice(f"  Feature:  {flag}: {known}")
        if options.config_file:
            digest = f" ({options.config_digest})" if options.config_digest else ""
            log.notice(f"Using configuration file: {options.config_file}{digest}")
        for warning in startup_warnings(options):
            log.warn(warning)

    async def _start_monitor(self) -> None:
        plain, secure = self.options.http_port, self.options.https_port
        if not plain and not secure:
            return
        if plain and secure:
            raise ListenError(
                "Can't start monitoring: can't specify both HTTP "
                f"({plain}) and HTTPs ({secure}) ports"
            )
        if secure and self.state.tls is None:
            raise ListenError("Can't start monitoring: TLS cert and key required for HTTPS")
        from pynats_server.monitor.serving.listener import MonitorServer

        context = None
        if secure:
            from pynats_server.tls.https import HttpsContexts

            self._https = HttpsContexts(lambda: self.state.tls)
            context = self._https.context
        host = self.options.http_host or self.options.host
        self._monitor = MonitorServer(self.state, context)
        port = await self._monitor.start(host, max(0, plain or secure))
        if secure:
            self.state.https_port = port
        else:
            self.state.http_port = port
        scheme = "https" if secure else "http"
        self.log.notice(f"Starting {scheme} monitor on {host_port(host, port)}")

    async def shutdown(self) -> None:
        """Closes everything. Idempotent; a second caller waits for the first. It goes on to its end
        also when a caller is cancelled. A server that was not started is closed for good, too."""
        if self._shutdown is None:
            self._shutdown = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._shutdown)

    async def _close(self) -> None:
        try:
            if hasattr(self.state, "engine"):
                await self._close_parts()
        finally:
            if self._fault:
                self.log.fatal(self._fault)
            if self._own_log:
                self.log.close()
            else:
                self.log.detach()
            self._stopped.set()

    async def _close_parts(self) -> None:
        self.state.ready = False
        self.log.notice("Initiating Shutdown...")
        if self._lame_duck is not None:
            self._lame_duck.cancel()
        self._listener.close()
        await self._tls_watch.stop()
        self._desk.close()
        self.events.shut_down()  # while there is somebody to tell
        if self._monitor is not None:
            await self._monitor.stop()
        await self.handler.stop()
        if self.state.jetstream is not None:
            for client in self.state.clients():
                client.hold()
        await self._jetstream_life.stop()
        self._operator.stop()
        await self._resolver_life.stop()
        await self._hand_over_pending()
        self.state.engine.close()
        self._run_files.remove()
        self.log.notice("Server Exiting..")

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
        """Where clients connect, e.g. `nats://127.0.0.1:4222`. Raises ServerError before there is
        a port."""
        if not self.client_port:
            raise ServerError("the server was not started: it has no address yet")
        return client_url(self.state)

    @property
    def monitor_url(self) -> str:
        """Where monitoring answers; empty when it is off."""
        return monitor_url(self.state)

    # -- commands ----------------------------------------------------------------

    def enter_lame_duck(self) -> None:
        """Stops accepting, tells clients, closes them over time, then shuts down."""
        if not self._started:
            raise ServerError("the server was not started: it cannot enter lame duck mode")
        if self._lame_duck is None and self._shutdown is None:
            self.log.notice("Entering lame duck mode, stop accepting new clients")
            self._listener.close()
            self.state.ready = False  # balancers that ask /healthz send clients elsewhere
            self.events.lame_duck()
            self._lame_duck = LameDuck(self.state, self.info, self.shutdown)
            self._lame_duck.start()

    @property
    def in_lame_duck(self) -> bool:
        """Whether lame duck mode has begun."""
        return self._lame_duck is not None

    def reload(self) -> bool:
        """Applies the configuration file again: all of it or, when a change is impossible at run
        time or the file is wrong, nothing. Returns whether it was applied; the log says why."""
        return not self._reload(None)

    async def reload_aside(self) -> str:
        """As `reload`, but reads and checks the file in a thread: one with thousands of users takes
        long, and so does what thousands of subscriptions get of other accounts now. Returns why it
        was not applied; nothing when it is. What has begun goes on to its end also when the caller
        is cancelled."""
        reload = asyncio.ensure_future(self._reload_aside())
        self._reloads.add(reload)
        reload.add_done_callback(self._reloads.discard)
        return await asyncio.shield(reload)

    async def _reload_aside(self) -> str:
        async with self._reloading:
            module = self._reload_module()
            if isinstance(module, str):
                return module
            loop = asyncio.get_running_loop()
            read = loop.run_in_executor(None, module.prepare_reload, self.state, self.load_options)
            try:
                await asyncio.wait([read])
            except asyncio.CancelledError:  # the loop ends before the thread
                read.add_done_callback(_drop)
                raise
            if not self._is_running():
                _drop(read)
                return self._reload(None)
            fault = self._reload(read.result)
            if not fault:
                shared: asyncio.Future[None] = loop.create_future()
                self.state.when_shared(partial(_end, shared))
                await shared
            return fault

    def _reload(self, prepared: Callable[[], Any] | None) -> str:
        if not self._is_running():
            self.log.error("Failed to reload server configuration: the server is not running")
            return "the server is not running"
        module = self._reload_module()
        if isinstance(module, str):
            return module
        parts = module.Parts(
            self.state,
            self.handler,
            self.info,
            self._jetstream_life,
            self._resolver_life,
            self._run_files,
            self._tls_watch,
            self._https,
        )
        prepare = prepared or partial(module.prepare_reload, self.state, self.load_options)
        return str(module.apply_reload(parts, prepare))

    def _is_running(self) -> bool:
        return self._started and self._shutdown is None

    def _reload_module(self) -> ModuleType | str:
        """What reloads, which loads the tables of settings; or why it cannot be loaded."""
        try:
            from pynats_server.server import reload
        except (ImportError, OSError) as error:  # for example, no descriptor is left
            self.log.error(f"Failed to reload server configuration: {error}")
            return str(error)
        return reload

    def reopen_log(self) -> None:
        """Reopens the log file (after it was moved away)."""
        self.log.reopen()


def _drop(read: asyncio.Future[Any]) -> None:
    """A configuration that was read will not count."""
    if not read.cancelled() and read.exception() is None:
        read.result().drop()


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _put_in_force(options: Options) -> TlsInForce | None:
    """In a thread, which also loads what it takes."""
    from pynats_server.tls.force import put_in_force

    return put_in_force(options.tls, None, options.ocsp) if options.tls is not None else None


def _explain(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"
