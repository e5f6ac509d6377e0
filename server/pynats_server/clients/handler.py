"""Callbacks of the data plane: greeting, CONNECT, errors, traces, closed clients."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

from pynats_common.go.durations import format_duration_s

from pynats_server.auth import ConnectOptions, Hello
from pynats_server.auth.signatures import new_nonce
from pynats_server.auth.users import CALLOUT_SUBJECT
from pynats_server.clients.arriving.arrivals import Arrivals
from pynats_server.clients.closed import ClosedConnection
from pynats_server.clients.complaints import complaint
from pynats_server.clients.limits import apply_limits
from pynats_server.clients.logins.checks import Checks
from pynats_server.clients.logins.login import LogIn
from pynats_server.clients.session import Session, session_of
from pynats_server.clients.trace import MASK, payload_text, redact_connect
from pynats_server.clients.who import Who
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.core.sockets.address import plain
from pynats_server.core.sockets.connection import Connection
from pynats_server.core.tracing.trail import Trail
from pynats_server.server.info import InfoMessage
from pynats_server.server.state import ServerState
from pynats_server.system.events import Events
from pynats_server.tracing import Tracer

ASKED = f"{CALLOUT_SUBJECT} ".encode()  # how a request to an auth callout service begins
SLOW = (CloseReason.SLOW_CONSUMER_PENDING_BYTES, CloseReason.SLOW_CONSUMER_WRITE_DEADLINE)


class ClientHandler:
    """Callbacks of the engine and of client connections; one per server, on the loop's thread."""

    def __init__(
        self, state: ServerState, info: InfoMessage, events: Events, tracer: Tracer
    ) -> None:
        self._state = state
        self._tracer = tracer
        self._info = info
        self._events = events
        self._log = state.log.part("clients")
        self._conceals = False  # the payload of the message that is being traced
        self.checks = Checks(state, self.on_internal_error)
        self.log_in = LogIn(state, events, self.checks)
        self.arrivals = Arrivals(state, self._greet, self._has_room, self.log_in.expect)

    # -- arrival ----------------------------------------------------------------------------

    def on_accept(self, sock: socket.socket, address: Sequence[object]) -> None:
        """Sets up a new connection: limits, INFO, timers."""
        state, options = self._state, self._state.options
        host, port = plain(str(address[0])), int(str(address[1]))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        required = state.authenticator.required
        client = ClientConnection(
            state.engine, sock, host, port, None if required else state.global_account
        )
        nonce = new_nonce() if state.authenticator.wants_nonce else ""
        client.context = Session(Hello(host=host, port=port, cid=client.cid, nonce=nonce))
        client.max_subscription_tokens = options.max_subscription_tokens
        apply_limits(client, state)
        client.open()
        if self._log.debug_enabled:
            self._log.debug("Client connection created", Who(client))
        self.arrivals.welcome(client)

    def _greet(self, client: ClientConnection) -> None:
        session = session_of(client)
        # Where it comes from is not known before the header of the proxy.
        unknown = self._state.options.proxy_protocol and not session.header_read
        info = self._info.encode(
            client, nonce=session.hello.nonce, from_proxy=unknown, tls_first=session.tls_first
        )
        client.send(info)

    def _has_room(self, client: ClientConnection) -> bool:
        """Whether it may stay; otherwise it is told, and ends."""
        limit = self._state.options.max_connections
        if limit >= 0 and (limit == 0 or len(self._state.engine.connections) <= limit):
            return True
        client.fail_with("maximum connections exceeded", CloseReason.MAX_CONNECTIONS_EXCEEDED)
        return False

    def on_secured(self, connection: Connection) -> None:
        """A TLS handshake is complete."""
        if isinstance(connection, ClientConnection):
            self.arrivals.on_secured(connection)

    def on_tls_failed(self, connection: Connection, text: str) -> None:
        """A TLS handshake came to nothing."""
        if isinstance(connection, ClientConnection):
            self.arrivals.on_failed(connection, text)

    # -- CONNECT ----------------------------------------------------------------------------

    def on_connect(self, client: ClientConnection, raw: bytes) -> None:
        """Handles CONNECT."""
        if self._log.trace_enabled:
            self._trace(client, "<<-", f"[CONNECT {redact_connect(raw)}]")
        self.log_in.connect(client, raw)

    def on_implicit_connect(self, client: ClientConnection) -> None:
        """A verb before CONNECT, where somebody may come in without."""
        self.log_in.enter_silently(client)

    def on_uninvited(self, client: ClientConnection) -> None:
        """A verb before CONNECT, where nobody may come in without."""
        self.log_in.refuse(client)

    def on_client_info(self, client: ClientConnection, raw: bytes) -> None:
        """INFO from a client is ignored, but must be valid."""
        try:
            ConnectOptions().update(raw)
        except ValueError as error:
            self._log.error(complaint(raw, "Info", str(error)), Who(client))
            client.close(CloseReason.PROTOCOL_VIOLATION)

    def on_first_pong(self, client: ClientConnection) -> bool:
        """After the first PING that follows CONNECT: tells the client its user and account. False
        while CONNECT is missing."""
        if not client.connect_received:
            return False
        if client.protocol >= 1:
            client.send(self._info.encode(client, connect_info=True))
        return True

    def on_traced(self, client: ClientConnection, trail: Trail) -> None:
        """A message has gone its way, and every step was noted."""
        self._tracer.send(client, trail)

    # -- trouble ----------------------------------------------------------------------------

    def on_error(self, client: ClientConnection, text: str) -> None:
        """The client violated the protocol."""
        self._log.error(text, Who(client))

    def on_publish_limit(self, client: ClientConnection, waits: bool) -> None:
        """A limit of publishing is in the way; called now and then while it is."""
        what = "held back" if waits else "refused"
        self._log.warn(f"Publish limit reached: messages are {what}", Who(client))

    def on_slow_consumer(self, connection: Connection, reason: CloseReason) -> None:
        """A slow consumer is disconnected."""
        options = self._state.options
        if isinstance(connection, ClientConnection) and connection.account is not None:
            connection.account.slow_consumers += 1
        if reason is CloseReason.SLOW_CONSUMER_PENDING_BYTES:
            detail = f"MaxPending of {options.max_pending} Exceeded"
        else:
            detail = (
                f"WriteDeadline of {format_duration_s(options.write_deadline)} exceeded with "
                f"{connection.pending_chunks} chunks of {connection.pending_bytes} total bytes."
            )
        self._log.notice(f"Slow Consumer Detected: {detail}", Who(connection))

    def on_internal_error(self, item: object, error: Exception) -> None:
        """A bug of ours: the connection ends, the server goes on. One line, no traceback."""
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
        text = f"internal error, please report: {error!r} at {place}"
        if isinstance(item, Connection):
            self._log.error(text, Who(item))
        else:
            self._log.error(f"{type(item).__name__} - {text}")

    def on_closed(self, connection: Connection) -> None:
        """A connection has ended; its figures are still readable."""
        reason = CloseReason(connection.reason)
        self._state.turns.cancel_client(connection)
        if isinstance(connection, ClientConnection):
            if reason is CloseReason.AUTHENTICATION_TIMEOUT:
                self.log_in.audit(connection, "authentication timeout")
            self._state.closed_for[reason] += 1
            if self._state.closed_clients.maxlen or reason in SLOW:
                closed = ClosedConnection.capture(connection, time.time(), reason)
                self._state.closed_clients.append(closed)
                if reason in SLOW:
                    self._state.cut_clients.append(closed)
            session = session_of(connection)
            session.leave()
            self._state.tls_clients -= session.hello.tls is not None
            self.checks.drop(connection)
            self.arrivals.forget(connection)
            self._events.closed(connection, reason)
        if self._log.debug_enabled:
            self._log.debug(f"Client connection closed: {reason}", Who(connection))

    # -- traces -----------------------------------------------------------------------------

    def trace_in(self, client: ClientConnection, verb: bytes, arguments: bytes) -> None:
        line = b" ".join(part for part in (verb, arguments) if part)
        self._trace(client, "<<-", f"[{line.decode('utf-8', 'backslashreplace')}]")

    def trace_payload(
        self, client: ClientConnection, payload: bytes, header_length: int, direction: bytes
    ) -> None:
        if self._conceals and direction == b"->>":
            self._trace(client, "->>", f"MSG_PAYLOAD: {MASK}")
            return
        options = self._state.options.log
        if options.trace_headers:
            payload = payload[:header_length].removesuffix(b"\r\n\r\n")
        if payload:
            text = payload_text(payload, options.max_traced_msg_len)
            self._trace(client, direction.decode(), f"MSG_PAYLOAD: {text}")

    def trace_out(self, client: ClientConnection, verb: bytes, arguments: bytes) -> None:
        # The payload comes next. What clients log in with is in these requests.
        self._conceals = arguments.startswith(ASKED)
        line = b" ".join(part for part in (verb, arguments) if part)
        self._trace(client, "->>", f"[{line.decode('utf-8', 'backslashreplace')}]")

    def _trace(self, client: ClientConnection, direction: str, text: str) -> None:
        self._log.trace(f"{direction} {text}", Who(client))

    async def stop(self) -> None:
        """Cancels the checks of credentials and certificates that still wait."""
        await self.checks.stop()
        await self.arrivals.revocation.stop()
        self.log_in.stop()
