"""nats-py's client, changed where a command needs more than it promises."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from typing import Any

from nats import errors as nats_errors
from nats.aio.client import DEFAULT_BUFFER_SIZE, Client
from pynats_common.network.tls import require_tls, verifying_context

from pynats_cli.connect.headers import Headers, header_lines
from pynats_cli.connect.natspy.batches import BatchParser, Sink
from pynats_cli.connect.natspy.info import InfoError, check_info
from pynats_cli.connect.natspy.transport import PatchedTransport, extra_of, read_ahead
from pynats_cli.connect.socks import SocksProxy


class PatchedClient(Client):  # type: ignore[misc]
    """nats-py's client, with repeated headers, a public nkey beside its signature, messages in
    batches, a SOCKS proxy, and the server's words for errors."""

    def __init__(self, proxy: SocksProxy | None = None) -> None:
        super().__init__()
        self._ps = BatchParser(self)
        self._proxy = proxy
        self.lost_by: Exception | None = None
        self._told: dict[str, Any] = {}

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """Also where nobody but the server wants TLS."""
        given: ssl.SSLContext | None = self.options.get("tls")
        return given or verifying_context()

    async def _connect_to_server(self, s: Any) -> None:
        if s.uri.scheme in ("ws", "wss"):
            if self.options.get("tls"):  # asked for, whatever the address says
                s.uri = s.uri._replace(scheme="wss")
            await super()._connect_to_server(s)
            return
        s.last_attempt = time.monotonic()
        self._transport = PatchedTransport(self._proxy)
        timeout_s = self.options["connect_timeout"]
        await self._transport.connect(s.uri, DEFAULT_BUFFER_SIZE, timeout_s)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except AttributeError:  # before it asks `_process_info`
            check_info(self._server_info, set())
            raise

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
        check_info(info, {server.uri.netloc for server in self._server_pool})
        self._told = dict(info)  # nats-py keeps the first INFO only
        if initial_connection and self._secured_after_info():
            require_tls(info)
        try:
            await super()._process_info(info, initial_connection)
        except ValueError:
            raise InfoError("connect_urls") from None

    def _secured_after_info(self) -> bool:
        """Whether INFO has to offer the TLS that this client wants."""
        websocket = self._current_server.uri.scheme in ("ws", "wss")
        wanted = bool(self.options.get("tls"))
        return wanted and not websocket and not self.options["tls_handshake_first"]

    @staticmethod
    def _parse_header_lines(raw: bytes) -> Headers:
        return Headers(header_lines(raw), raw)

    def use_login(self, public_nkey: str = "") -> None:
        """Logs in by what signs the server's nonce; with a public nkey as its user."""
        self._auth_configured = True
        if public_nkey:
            self._public_nkey = public_nkey

    @property
    def info(self) -> dict[str, Any]:
        """INFO of the connected server, as it was last."""
        return {**self._server_info, **self._told}

    def stream_info(self, name: str) -> Any:
        """What asyncio knows of the connection by this name; None for a WebSocket."""
        return extra_of(self._transport, name)

    def read_ahead(self) -> None:
        """After a new connection: what comes for functions may wait in memory again."""
        if self._ps.delivers:
            read_ahead(self._transport)

    async def subscribe_in_batches(self, subject: str, queue: str, sink: Sink) -> Any:
        """A subscription whose messages go to `sink`; nats-py's subscription object. Reading waits
        while the sink works, so that a slow one slows the server down and takes no memory."""

        async def unused(_: Any) -> None:
            """nats-py wants a callback; messages do not come to it."""

        # Before it is asked for: the first messages can come with the answer to its flush.
        self._ps.deliver(self._sid + 1, sink)
        read_ahead(self._transport)
        return await self.subscribe(subject, queue=queue, cb=unused)

    async def send_block(self, block: bytes) -> None:
        """Hands joined frames over, and waits while the connection takes no more."""
        await self._send_command(block)
        await self._flush_pending(force_flush=True)
