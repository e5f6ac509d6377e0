"""The server: its parts, and their life from start to shutdown.

    async with Server(Options(port=-1)) as server:
        ...  # clients connect to server.client_url

Order of start and stop: server-inventory 1.5.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pynats_common.nkeys.codec import Prefix, encode_public
from pynats_common.units import human_duration

from pynats_server import run_files
from pynats_server.auth import StaticAuthenticator
from pynats_server.client_handler import ClientHandler
from pynats_server.closed import ClosedConnection
from pynats_server.core.account import Account
from pynats_server.core.client import ClientConnection
from pynats_server.core.engine import Engine, Listener
from pynats_server.core.reasons import CloseReason
from pynats_server.info import InfoMessage
from pynats_server.lame_duck import LameDuck
from pynats_server.logs import Logger, open_logger
from pynats_server.options import GLOBAL_ACCOUNT, Options
from pynats_server.settings import startup_warnings, validate
from pynats_server.settings.texts import split_host_port
from pynats_server.version import VERSION

if TYPE_CHECKING:
    from pynats_server.jetstream.manager import JetStream
    from pynats_server.monitor import MonitorServer

BACKLOG = 4096  # connections the kernel keeps waiting
LISTENER_REST = 0.01  # seconds without accepting after an error
TICK_MAX = 0.25  # seconds between looks at the timers of all connections
TICK_MIN = 0.01
PENDING_LOOK = 0.005  # seconds between looks at the queues of receivers at shutdown
PAYLOAD_WARNING = 8 * 1024 * 1024  # bytes


class ServerError(Exception):
    """The server cannot start, or cannot do what was asked; the text says why."""


class Server:
    """One broker in the running asyncio loop."""

    def __init__(
        self, options: Options | None = None, *, logger: Logger | None = None,
        program: str = "pynats-server",
    ) -> None:  # fmt: skip
        self.options = dataclasses.replace(options) if options is not None else Options()
        self.program = program
        try:
            validate(self.options)
        except ValueError as error:
            raise ServerError(str(error)) from None
        self._own_log = logger is None
        self.log = logger if logger is not None else open_logger(self.options.log, program)
        self.id = encode_public(Prefix.SERVER, secrets.token_bytes(32))
        self.name = self.options.server_name or self.id
        self.start_time = self.config_load_time = time.time()
        self.accounts: dict[str, Account] = {}
        self.add_accounts()
        self.global_account = self.accounts[GLOBAL_ACCOUNT]
        self.system_account = self.accounts[self.options.system_account_name]
        self._spare_guest = f"nats-{secrets.token_hex(4)}"
        self.authenticator = self.make_authenticator()
        self.closed_clients: collections.deque[ClosedConnection] = collections.deque(
            maxlen=max(0, self.options.max_closed_clients)
        )
        self.http_requests: collections.Counter[str] = collections.Counter()
        self.client_port = 0
        self.http_port = 0
        self.ready = False
        self.engine: Engine
        self.info: InfoMessage
        self.handler: ClientHandler
        self.load_options: Callable[[], Options] | None = None  # reads the configuration again
        self.jetstream: JetStream | None = None
        self._listener: Listener | None = None
        self._monitor: MonitorServer | None = None
        self._lame_duck: LameDuck | None = None
        self._pid_file: Path | None = None
        self._ports_file: Path | None = None
        self._stopped = asyncio.Event()
        self._stopping = False

    def add_accounts(self) -> None:
        """Makes the accounts that the options name, as far as they are not there yet."""
        system = self.options.system_account_name
        cached = not self.options.disable_sublist_cache
        for name in (GLOBAL_ACCOUNT, system, *self.options.accounts):
            if name not in self.accounts:
                self.accounts[name] = Account(name, cached, name == system)

    def make_authenticator(self) -> StaticAuthenticator:
        """One for the options in force."""
        return StaticAuthenticator(self.options, self._spare_guest)

    def account(self, name: str) -> Account:
        """The account of that name. Raises KeyError."""
        return self.accounts[name]

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
        """Opens every configured listener. Raises ServerError, and leaves nothing open."""
        loop = asyncio.get_running_loop()
        self.log.attach(loop)
        self._announce()
        self.handler = ClientHandler(self)
        self.engine = Engine(loop, self.handler)
        self.configure_engine()
        until_owned = ExitStack()
        try:
            sock = until_owned.enter_context(self._bind())
            self.client_port = sock.getsockname()[1]
            self.info = InfoMessage(self)
            self._write_pid_file()
            await self._start_monitor()  # before JetStream: probes are answered from here on
            if self._stopping:  # a signal was faster
                if self._monitor is not None:
                    await self._monitor.stop()
                return
            self._start_jetstream()
            self._listener = Listener(
                self.engine, sock, self.handler.on_accept, self.handler.on_accept_failed
            )
            until_owned.pop_all()
            address = _host_port(self.options.host, self.client_port)
            self.log.notice(f"Listening for client connections on {address}")
            self._write_ports_file()
        except (OSError, ServerError) as error:
            await self.shutdown()
            if isinstance(error, ServerError):
                raise
            raise ServerError(_explain(error)) from error
        except BaseException:
            await self.shutdown()
            raise
        finally:
            until_owned.close()
        self.ready = True
        self.log.notice("Server is ready")

    def _announce(self) -> None:
        log, options = self.log, self.options
        log.notice(f"Starting {self.program}")
        log.notice(f"  Version:  {VERSION}")
        log.notice("  Git:      [not set]")
        log.notice(f"  Name:     {self.name}")
        log.notice(f"  ID:       {self.id}")
        if options.config_file:
            digest = f" ({options.config_digest})" if options.config_digest else ""
            log.notice(f"Using configuration file: {options.config_file}{digest}")
        for warning in startup_warnings(options):
            log.warn(warning)

    def configure_engine(self) -> None:
        """Hands the engine the options that it works by (at start and reload)."""
        options, engine = self.options, self.engine
        engine.max_pending = options.max_pending
        engine.write_deadline_ns = int(options.write_deadline * 1e9)
        engine.stall_producers = not options.no_fast_producer_stall
        engine.tracing = options.log.trace
        shortest = min(options.ping_interval, options.authorization.timeout, options.write_deadline)
        engine.tick_interval = max(TICK_MIN, min(TICK_MAX, shortest / 4))

    def _bind(self) -> socket.socket:
        host, port = self.options.host, max(0, self.options.port)
        try:
            address = socket.getaddrinfo(
                host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
        except (OSError, UnicodeError) as error:  # a name that cannot even be asked for
            why = getattr(error, "strerror", None) or "no such host"
            reason = f"listen tcp: lookup {host}: {why.lower()}"
            raise ServerError(
                f'Error listening on port: {_host_port(host, port)}, "{reason}"'
            ) from error
        sock = socket.socket(address[0], socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address[4])
            sock.listen(BACKLOG)
        except OSError as error:
            sock.close()
            reason = (error.strerror or str(error)).lower()
            listen = f"listen tcp {_host_port(host, port)}: bind: {reason}"
            raise ServerError(
                f"Error listening on port: {_host_port(host, port)}, {listen!r}".replace("'", '"')
            ) from error
        return sock

    def _start_jetstream(self) -> None:
        if not self.options.jetstream.enabled:
            return
        from pynats_server.jetstream import enablement
        from pynats_server.jetstream.banner import banner_lines
        from pynats_server.jetstream.limits import resolve
        from pynats_server.jetstream.manager import JetStream

        begun = time.perf_counter_ns()
        options = self.options.jetstream
        limits = resolve(options)
        accounts = enablement.wanted(self.options)
        try:
            enablement.check_promises(accounts, limits)
        except ValueError as error:
            raise ServerError(f"Can't start JetStream: {error}") from None
        self.jetstream = JetStream(self.engine, self.log, options, limits, self.id, self.name)
        for line in banner_lines(options, limits):
            self.log.notice(line)
        self.jetstream.start()
        enablement.start(self.jetstream, accounts, self.accounts)
        took = human_duration(time.perf_counter_ns() - begun)
        self.log.notice(f"Took {took} to start JetStream")

    async def _start_monitor(self) -> None:
        if not self.options.http_port:
            return
        from pynats_server.monitor import MonitorServer

        host = self.options.http_host or self.options.host
        self._monitor = MonitorServer(self)
        self.http_port = await self._monitor.start(host, max(0, self.options.http_port))
        self.log.notice(f"Starting http monitor on {_host_port(host, self.http_port)}")

    def _write_pid_file(self) -> None:
        path = self.options.pid_file
        if path is None:
            return
        try:
            run_files.write_pid_file(path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ServerError(f"Could not write pidfile: open {path}: {reason}") from error
        self._pid_file = path

    def _write_ports_file(self) -> None:
        folder = self.options.ports_file_dir
        if folder is None:
            return
        urls = {"nats": [self.client_url]}
        if self.http_port:
            host = _reachable(self.options.http_host or self.options.host)
            urls["monitoring"] = [f"http://{_host_port(host, self.http_port)}"]
        path = run_files.ports_file_path(folder, self.program)
        try:
            run_files.write_ports_file(path, urls)
        except OSError as error:  # whoever waits for it has to look elsewhere; clients need not
            reason = (error.strerror or str(error)).lower()
            self.log.error(f"Error writing ports file ({path}): {reason}")
            return
        self._ports_file = path

    def _remove_run_files(self) -> None:
        for path in (self._pid_file, self._ports_file):
            try:
                run_files.remove(path)
            except OSError as error:
                self.log.error(f"Error removing {path}: {(error.strerror or str(error)).lower()}")

    async def shutdown(self) -> None:
        """Closes everything. Idempotent; a second caller waits for the first."""
        if self._stopping:
            await self._stopped.wait()
            return
        self._stopping = True
        self.ready = False
        self.log.notice("Initiating Shutdown...")
        if self._lame_duck is not None:
            self._lame_duck.cancel()
        self.stop_accepting()
        if self._monitor is not None:
            await self._monitor.stop()
        await self.handler.stop()
        if self.jetstream is not None:
            for client in self.clients():
                client.hold()
            self.log.notice("Initiating JetStream Shutdown...")
            await self.jetstream.stop()
            self.log.notice("JetStream Shutdown")
        await self._hand_over_pending()
        self.engine.close()
        self._remove_run_files()
        self.log.notice("Server Exiting..")
        if self._own_log:
            self.log.close()
        else:
            self.log.detach()
        self._stopped.set()

    async def _hand_over_pending(self) -> None:
        """Lets receivers take what is queued for them, for at most the write deadline: the
        senders' flushes were answered, so an orderly end must not drop it. Nothing more is read
        meanwhile, so nothing more is acknowledged and the queues only shrink."""
        for client in self.clients():
            client.hold()
        loop = asyncio.get_running_loop()
        end = loop.time() + self.options.write_deadline
        while any(client.pending_bytes for client in self.clients()) and loop.time() < end:
            await asyncio.sleep(PENDING_LOOK)

    async def wait_stopped(self) -> None:
        """Returns once the server has shut down."""
        await self._stopped.wait()

    # -- listening --------------------------------------------------------------------------

    @property
    def client_url(self) -> str:
        """Where clients connect, e.g. `nats://127.0.0.1:4222`."""
        return f"nats://{_host_port(_reachable(self.options.host), self.client_port)}"

    @property
    def monitor_url(self) -> str:
        """Where monitoring answers; empty when it is off."""
        if not self.http_port:
            return ""
        host = _reachable(self.options.http_host or self.options.host)
        return f"http://{_host_port(host, self.http_port)}"

    def advertised(self) -> tuple[str, int]:
        """Host and port in INFO: `client_advertise` where set, else the listener's."""
        advertise = self.options.client_advertise
        if not advertise:
            return self.options.host, self.client_port
        host, port = split_host_port(advertise) or (advertise, "")
        return host, int(port) if port else self.client_port

    def stop_accepting(self) -> None:
        """Closes the client listener; connections stay."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def rest_listener(self) -> None:
        """Pauses accepting for a moment, after an error that time may cure."""
        listener = self._listener
        if listener is not None:
            listener.pause()
            asyncio.get_running_loop().call_later(LISTENER_REST, self._wake_listener, listener)

    def _wake_listener(self, listener: Listener) -> None:
        if listener is self._listener:
            listener.resume()

    # -- clients ----------------------------------------------------------------------------

    def clients(self) -> list[ClientConnection]:
        """All client connections."""
        return [c for c in self.engine.connections.values() if isinstance(c, ClientConnection)]

    def remember_closed(self, client: ClientConnection, reason: CloseReason) -> None:
        """Keeps what monitoring shows of connections that have ended."""
        if self.closed_clients.maxlen:
            self.closed_clients.append(ClosedConnection.capture(client, time.time(), reason))

    def broadcast_info(self) -> None:
        """Sends INFO to every client that understands it at any time."""
        self.info.refresh()
        for client in self.clients():
            if client.protocol >= 1 and client.first_pong_sent:
                client.send(self.info.encode(client))

    def info_json(self) -> dict[str, Any]:
        """The common part of INFO."""
        return self.info.as_dict()

    # -- orders from outside ----------------------------------------------------------------

    def enter_lame_duck(self) -> None:
        """Stops accepting, tells clients, closes them over time, then shuts down."""
        if self._lame_duck is None and not self._stopping:
            self._lame_duck = LameDuck(self)
            self._lame_duck.start()

    @property
    def in_lame_duck(self) -> bool:
        """Whether lame duck mode has begun."""
        return self._lame_duck is not None

    def reload(self) -> bool:
        """Applies the configuration file again: all of it or, when a change is impossible at run
        time or the file is wrong, nothing. Returns whether it was applied; the log says why."""
        try:
            from pynats_server.reloading import apply_reload  # brings the table of settings
        except (ImportError, OSError) as error:  # no descriptor is left, for one
            self.log.error(f"Failed to reload server configuration: {error}")
            return False
        return apply_reload(self)

    def reopen_log(self) -> None:
        """Opens the log file anew (after it was moved away)."""
        self.log.reopen()


def _host_port(host: str, port: int) -> str:
    host = host.strip("[]")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reachable(host: str) -> str:
    """A wildcard address is listened on, but not connected to."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host)


def _explain(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"
