"""A NATS connection for one command: connecting, tracing, and errors worth one line.

Only this module and its importers import nats-py, so `--help` does not load it.
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from enum import Enum
from typing import Any

from nats import errors as nats_errors
from nats.aio.client import DEFAULT_BUFFER_SIZE, Client
from nats.aio.msg import Msg
from pynats_common.contexts import Context
from pynats_common.go.durations import SECOND_NS
from pynats_common.tls import ClientTls, TlsError, quiet_asyncio
from pynats_common.urls import parse_server_urls
from pynats_common.version import RELEASE

from pynats_cli.connect.batches import BatchParser, read_ahead
from pynats_cli.connect.login import PUBLIC_NKEY, login_options
from pynats_cli.connect.pulse import Pulse
from pynats_cli.connect.settings import resolve_settings
from pynats_cli.connect.socks import SocksProxy, SocksTransport, parse_socks_proxy
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.jetstream.api import JetStream
from pynats_cli.screen.output import log

_RECONNECT_STEPS_MS = (500, 750, *range(1_000, 20_001, 500))
_UNLIMITED = -1
_DISCARD_TIMEOUT_S = 0.2
_LOOK_S = 0.02


class Headers(dict[str, str]):
    """Message headers that may repeat a name.

    nats-py passes headers as a mapping: reading a name gives the last value, `items()` all pairs.
    `raw` are those that were received, as they were.
    """

    def __init__(self, pairs: list[tuple[str, str]], raw: bytes = b"") -> None:
        super().__init__(pairs)
        self.pairs = pairs
        self.raw = raw

    def items(self) -> Any:
        return list(self.pairs)


def header_block(message: Msg) -> bytes:
    """The headers of a message as they were received; empty without."""
    headers = message.headers
    return b"NATS/1.0\r\n" + headers.raw if isinstance(headers, Headers) else b""


def header_pairs(message: Msg) -> list[tuple[str, str]]:
    """All headers of a message in order."""
    headers = message.headers
    # nats-py names the fields of a status line by members of an enumeration.
    return [
        (str(name.value) if isinstance(name, Enum) else name, value)
        for name, value in (headers.items() if headers else ())
    ]


class _Client(Client):  # type: ignore[misc]
    """nats-py's client, keeping repeated headers and taking a public nkey with its signature."""

    def __init__(self, proxy: SocksProxy | None = None) -> None:
        super().__init__()
        self._ps = BatchParser(self)
        self._proxy = proxy

    async def _connect_to_server(self, s: Any) -> None:
        if self._proxy is None:
            await super()._connect_to_server(s)
            return
        s.last_attempt = time.monotonic()
        self._transport = SocksTransport(self._proxy)
        timeout_s = self.options["connect_timeout"]
        await self._transport.connect(s.uri, DEFAULT_BUFFER_SIZE, timeout_s)

    async def _process_op_err(self, e: Exception) -> None:
        self.lost_by = e
        await super()._process_op_err(e)

    async def _process_err(self, err_msg: str) -> None:
        words = self._ps.words
        # nats-py looks for texts in small letters, and for nothing else.
        if words.lower() in err_msg and words.lower().startswith("permissions violation"):
            error = nats_errors.Error(f"nats: {words}")
            self._err = error
            await self._error_cb(error)
            return
        await super()._process_err(err_msg)

    async def _attempt_reconnect(self) -> None:
        # When the connection is lost again while this one is greeted, two of these run at once,
        # and each tells that it has ended.
        with suppress(asyncio.InvalidStateError):
            await super()._attempt_reconnect()

    async def close(self) -> None:
        with suppress(OSError):  # what was not sent cannot be sent to a server that has gone
            await super().close()

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        self.told = info  # nats-py keeps the first INFO only
        await super()._process_info(info, initial_connection)

    @staticmethod
    def _parse_header_lines(raw: bytes) -> Headers:
        return Headers(header_lines(raw), raw)

    def use_public_nkey(self, public_key: str) -> None:
        self._public_nkey = public_key
        self._auth_configured = True

    def use_login(self) -> None:
        self._auth_configured = True


def header_lines(block: bytes) -> list[tuple[str, str]]:
    """The headers in a block, in order."""
    pairs = []
    lines = block.split(b"\r\n")
    if lines[0].startswith(b"NATS/1.0"):
        _, code, *text = [*lines.pop(0).split(b" ", 2), b""]
        if code.strip():
            pairs += [("Status", _header_text(code)), ("Description", _header_text(text[0]))]
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon:
            pairs.append((name.decode("utf-8", "replace"), _header_text(value)))
    return pairs


def _header_text(value: bytes) -> str:
    return value.strip().decode("utf-8", "replace")


class Session:
    """A connected client with its settings."""

    def __init__(self, client: Client, context: Context, options: GlobalOptions) -> None:
        self.client = client
        self.context = context
        self.options = options
        self._errors: list[Exception] = []
        self._waiting: list[asyncio.Future[Any]] = []
        self._asking: list[asyncio.Future[Any]] = []  # those of them that one connection answers
        self._ends: Callable[[], object] | None = None
        self._lost = False  # while somebody was told so
        self._pulse = Pulse()

    @contextmanager
    def open(self) -> Iterator[None]:
        """What runs in it ends with a CliError when the client gives up: its user has expired or
        was revoked, for example. nats-py leaves it waiting for messages."""
        task = asyncio.current_task()
        assert task is not None
        gone = False

        def end() -> None:
            nonlocal gone
            gone = True
            task.cancel()

        self._ends = end
        self._pulse.start()
        try:
            yield
        except asyncio.CancelledError:
            if not gone or task.uncancel() > 0:
                raise
            raise self._failed(nats_errors.ConnectionClosedError()) from None
        except nats_errors.ConnectionClosedError as error:
            raise self._failed(error) from None
        finally:
            self._ends = None
            self._pulse.stop()

    def _failed(self, error: BaseException) -> CliError:
        """The error for the user: for a closed connection why it was closed."""
        if isinstance(error, nats_errors.ConnectionClosedError):
            said = [self.client.last_error, *reversed(self._errors)]
            error = next((item for item in said if item is not None), error)
        return CliError(describe(error))

    def lost(self) -> bool:
        """The connection is lost. True if that ends something: no reply comes on another one, and
        what is asked before there is one fails as well."""
        for asking in self._asking:
            if not asking.done():
                asking.set_exception(CliError(CONNECTION_LOST))
                self._lost = True
        return self._lost

    def found(self) -> None:
        """There is a connection again."""
        self._lost = False

    def end(self) -> None:
        """The client has given up."""
        if self._ends is not None:
            self._ends()

    def note_error(self, error: Exception) -> None:
        """Keeps an asynchronous error for `check`, and ends the requests that wait."""
        self._errors.append(error)
        for waiting in self._waiting:
            if not waiting.done() and "permissions violation" in str(error).lower():
                waiting.set_exception(CliError(describe(error)))

    def check_refused(self) -> None:
        """Raises CliError when the server has refused a publish or a subscription."""
        for error in self._errors:
            if "permissions violation" in str(error).lower():
                raise CliError(describe(error))

    @property
    def js(self) -> JetStream:
        """The JetStream API."""
        return JetStream(self)

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        headers: list[tuple[str, str]] | None = None,
        timeout_s: float = 0,
    ) -> Msg:
        """The first reply. Raises CliError when the server refuses the request, nats-py's
        NoRespondersError and TimeoutError. `timeout_s` 0 is --timeout."""
        asking = self.client.request(
            subject,
            data,
            timeout=timeout_s or self.options.timeout_s,
            headers=Headers(headers) if headers else None,
        )
        return await self.unless_refused(asking)

    async def unless_refused(self, answer: Awaitable[Any]) -> Any:
        """What is awaited. Raises CliError as soon as the server says that something sent before
        is not permitted, and when the connection is lost: no answer will come then. One that was
        lost while the user was asked something is no such loss."""
        if self._pulse.stood_still():
            await self._come_back()
        if self._lost:
            if asyncio.iscoroutine(answer):
                answer.close()
            raise CliError(CONNECTION_LOST)
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(refused)
        self._asking.append(refused)
        asking = asyncio.ensure_future(answer)
        try:
            await asyncio.wait({asking, refused}, return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                refused.result()
            return await asking
        finally:
            self._waiting.remove(refused)
            self._asking.remove(refused)
            refused.cancel()
            abandon(asking)

    async def _come_back(self) -> None:
        """Waits for another connection if the server has given up the one before."""
        timeout_s = self.options.timeout_s
        with suppress(CliError, TimeoutError, nats_errors.Error):
            await self.unless_refused(self.client.flush(timeout=timeout_s))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while (self._lost or not self.client.is_connected) and not self.client.is_closed:
                    await asyncio.sleep(_LOOK_S)

    @contextmanager
    def refusals(self) -> Iterator[asyncio.Future[Any]]:
        """A future that fails with the server's words if it refuses something meanwhile."""
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(refused)
        try:
            yield refused
        finally:
            self._waiting.remove(refused)
            refused.cancel()

    async def flush(self) -> None:
        """One round trip. Raises what nats-py does, and CliError like `unless_refused`."""
        await self.unless_refused(self.client.flush(timeout=self.options.timeout_s))

    async def check(self) -> None:
        """Round trip to the server; raises CliError if the server reported an error before."""
        try:
            # nats-py writes a PING at once, before buffered data; only the second PING is sent
            # after everything that was published or subscribed before.
            await self.flush()
            await self.flush()
        except (TimeoutError, nats_errors.Error) as error:
            raise self._failed(error) from None
        if self._errors:
            raise CliError(describe(self._errors[-1]))

    @property
    def server_info(self) -> dict[str, Any]:
        """INFO of the connected server, as it was last."""
        return {**self.client._server_info, **getattr(self.client, "told", {})}

    @property
    def inbox(self) -> str:
        """A new inbox subject under the configured prefix."""
        return str(self.client.new_inbox())

    def jetstream_prefix(self) -> str:
        """Subject prefix of the JetStream API, without a final dot."""
        if self.context.jetstream_domain:
            return f"$JS.{self.context.jetstream_domain}.API"
        return (self.context.jetstream_api_prefix or "$JS.API").rstrip(".")


class _Watcher:
    """Callbacks of nats-py: collects errors while connecting, traces and notes them afterwards."""

    def __init__(self, options: GlobalOptions, servers: int) -> None:
        self._trace = options.trace
        self._attempts_left = servers
        self.session: Session | None = None
        self.last_error: Exception | None = None

    async def on_error(self, error: Exception) -> None:
        if self.session is not None:
            self.session.note_error(error)
            away = not self.session.client.is_connected
            ends = isinstance(error, nats_errors.UnexpectedEOF)  # `on_disconnected` says so
            if self._trace or (away and isinstance(error, nats_errors.Error) and not ends):
                log(f">>> Unexpected NATS error: {describe(error)}")
            return
        if not isinstance(error, ConnectionRefusedError):
            self.last_error = error
        self._attempts_left -= 1
        if self._attempts_left <= 0:
            # Stops the client's own loop, which would try each server again.
            raise CliError(describe(self.last_error) if self.last_error else NO_SERVERS)

    async def on_disconnected(self) -> None:
        if self.session is None or self.session.client.is_closed:
            return
        if not self.session.lost():
            reason = _lost_by(self.session.client)
            log(f">>> Disconnected due to: {reason}, will attempt reconnect")

    async def on_closed(self) -> None:
        if self.session is not None:
            self.session.end()

    async def on_reconnected(self) -> None:
        if self.session is not None:
            if self.session.client._ps.delivers:
                read_ahead(self.session.client)
            self.session.found()
            log(f">>> Reconnected to {connected_to(self.session.client)}")

    async def on_discovered(self) -> None:
        if self._trace:
            log(">>> Discovered new servers")


def _lost_by(client: Client) -> str:
    reason = getattr(client, "lost_by", None)
    if reason is None or isinstance(reason, (nats_errors.UnexpectedEOF, ConnectionResetError)):
        return "EOF"
    return describe(reason)


def abandon(waiting: asyncio.Future[Any]) -> None:
    """Cancels what waits for a message. Closing the connection may still fail it before it sees
    that; nobody wants to know then."""
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
    waiting.cancel()


NO_SERVERS = "nats: no servers available for connection"
CONNECTION_LOST = "nats: connection lost"


def describe(error: BaseException) -> str:
    """One line for an error of the client or the operating system, in the words of `nats`."""
    if isinstance(error, CliError):
        return str(error)
    if isinstance(error, ssl.SSLError):
        return f"tls: {getattr(error, 'verify_message', '') or error.reason or error}"
    if isinstance(error, (asyncio.TimeoutError, nats_errors.TimeoutError)):
        return "nats: timeout"
    if isinstance(error, (nats_errors.UnexpectedEOF, ConnectionResetError, BrokenPipeError)):
        return CONNECTION_LOST
    if isinstance(error, UnicodeError):  # the host name is invalid
        return "cannot connect: no such host"
    if isinstance(error, OSError):
        return f"cannot connect: {error.strerror or error}"
    text = str(error).strip() or type(error).__name__
    text = text.replace("nats: '", "nats: ").removesuffix("'")
    return text if text.startswith("nats:") else f"nats: {text}"


def connected_to(client: Client) -> str:
    """Address of the connected server, without credentials."""
    url = client.connected_url
    return f"{url.scheme}://{url.hostname}:{url.port}" if url is not None else "nowhere"


def _reconnect_choice(pool: list[Any], _info: dict[str, Any]) -> tuple[Any, float]:
    """The next server, and seconds to wait: half a second growing to twenty, with jitter."""
    server = min(pool, key=lambda item: item.reconnects)
    step = _RECONNECT_STEPS_MS[min(server.reconnects, len(_RECONNECT_STEPS_MS) - 1)]
    return server, step / 1_000 * random.uniform(0.5, 1.5)


def refuse_unusable(context: Context) -> None:
    """Raises CliError for settings with which no server can be used, whichever it is."""
    if context.windows_cert_store:
        raise CliError("certificate stores are supported on Windows only")
    if context.inbox_fault:
        raise CliError(f"inbox prefix {context.inbox_prefix!r}: {context.inbox_fault}")


async def connect(options: GlobalOptions, context: Context, tls_name: str = "") -> Session:
    """Tries each server once until one accepts the connection. Raises CliError.

    `tls_name` is the name certificates are checked for, instead of each server's own.
    """
    refuse_unusable(context)
    try:
        servers = parse_server_urls(context.server_url)
        tls = _tls_context(context, [server.scheme for server in servers])
        proxy = _socks_proxy(context, [server.scheme for server in servers])
    except (ValueError, TlsError) as error:
        raise CliError(str(error)) from None
    quiet_asyncio()
    login = login_options(context)
    public_nkey = login.pop(PUBLIC_NKEY, None)
    if not login and servers[0].user is not None:
        login = _url_login(servers[0].user, servers[0].password)
    watcher = _Watcher(options, len(servers))
    client = _Client(proxy)
    if public_nkey is not None:
        client.use_public_nkey(public_nkey)
    if "signature_cb" in login:
        client.use_login()
    try:
        await client.connect(
            servers=[server.full for server in servers],
            name=options.connection_name.strip() or _default_name(),
            connect_timeout=options.timeout_s,
            error_cb=watcher.on_error,
            disconnected_cb=watcher.on_disconnected,
            reconnected_cb=watcher.on_reconnected,
            closed_cb=watcher.on_closed,
            discovered_server_cb=watcher.on_discovered,
            max_reconnect_attempts=_UNLIMITED,
            reconnect_to_server_handler=_reconnect_choice,
            inbox_prefix=context.inbox_prefix or "_INBOX",
            tls=tls,
            tls_hostname=tls_name or None,
            tls_handshake_first=context.tls_first,
            **login,
        )
    except (
        CliError, TimeoutError, nats_errors.Error, OSError, ValueError, TypeError
    ) as error:  # fmt: skip
        await _discard(client)
        tried = ", ".join(server.bare for server in servers)
        raise CliError(f"{describe(error)} (tried {tried})") from None
    session = watcher.session = Session(client, context, options)
    if options.trace:
        log(f">>> Connected to {connected_to(client)}")
    return session


async def _discard(client: Client) -> None:
    try:
        # After a failed TLS handshake nats-py would wait forever for the end of the connection.
        await asyncio.wait_for(client.close(), _DISCARD_TIMEOUT_S)
    except Exception:
        # The connection never came up; only the reason for that matters.
        pass


def _tls_context(context: Context, schemes: list[str]) -> ssl.SSLContext | None:
    settings = ClientTls(context.cert, context.key, context.ca)
    wanted = bool(settings) or context.tls_first or any(name in ("tls", "wss") for name in schemes)
    return settings.context() if wanted else None


def _socks_proxy(context: Context, schemes: list[str]) -> SocksProxy | None:
    if not context.socks_proxy:
        return None
    if any(scheme in ("ws", "wss") for scheme in schemes):
        raise ValueError("socks proxy: servers with ws:// and wss:// cannot be reached through it")
    return parse_socks_proxy(context.socks_proxy)


def _url_login(user: str, password: str | None) -> dict[str, Any]:
    return {"token": user} if password is None else {"user": user, "password": password}


def _default_name() -> str:
    return f"NATS CLI Version {RELEASE}"


@asynccontextmanager
async def open_session(
    options: GlobalOptions,
    server: str = "",
    context: Context | None = None,
    tls_name: str = "",
) -> AsyncIterator[Session]:
    """A session with the current settings, closed at the end. `server` replaces the server list."""
    settings = context if context is not None else resolve_settings(options)
    settings = replace(settings, url=server) if server else settings
    if settings.color_scheme:
        os.environ["NATS_COLOR"] = settings.color_scheme  # where tables look
    session = await connect(options, settings, tls_name)
    try:
        with session.open():
            yield session
    finally:
        await session.client.close()


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds of a time in seconds."""
    return round(seconds * SECOND_NS)
