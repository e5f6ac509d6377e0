"""The way of a client from its first byte to the protocol: INFO and the handshake in their order,
plain clients beside those with TLS, how long all that may take and how often it may happen.

Nothing here waits: what has to come is either a byte, which the connection's prologue reports, or
the end of a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pynats_common.network.urls import host_port
from pynats_common.records import dataclass

from pynats_server.clients.arriving.rate_limit import RateLimit
from pynats_server.clients.arriving.revocation import NOT_VALID, Revocation
from pynats_server.clients.arriving.steps import MORE, Step
from pynats_server.clients.session import session_of
from pynats_server.clients.who import Who
from pynats_server.core.client import ClientConnection
from pynats_server.core.reasons import CloseReason
from pynats_server.server.state import ServerState

if TYPE_CHECKING:
    from pynats_server.clients.arriving.proxied import ProxyHeaders
    from pynats_server.tls.force import TlsInForce
    from pynats_server.tls.peer import PeerTls

HANDSHAKE: Final = b"\x16"  # the first byte of whoever speaks TLS
SNIFFED: Final = 6  # bytes that decide whether somebody does
THROTTLED: Final = "Connection throttling is active. Please try again later."
NOT_TLS: Final = "tls: first record does not look like a TLS handshake"
NOT_PINNED: Final = "certificate not pinned"


@dataclass(slots=True)
class _Waiting:
    """A client that has not come to the protocol yet."""

    tls: TlsInForce
    first: bool  # the handshake comes before INFO
    spoke: bool = False  # bytes have come
    begins_tls: bool = False  # as far as the first one tells
    timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Arrivals:
    """The clients of one server that are on their way. `greet` sends INFO; `has_room` ends a client
    for which there is none, and says so; `begin` starts the protocol."""

    def __init__(
        self,
        state: ServerState,
        greet: Step,
        has_room: Callable[[ClientConnection], bool],
        begin: Step,
    ) -> None:
        self._state = state
        self._greet = greet
        self._has_room = has_room
        self._begin = begin
        self._log = state.log.part("clients")
        self.waiting: dict[ClientConnection, _Waiting] = {}
        self._rate = RateLimit(self._log)
        self.revocation = Revocation(state)
        self._headers: ProxyHeaders | None = None
        if state.options.proxy_protocol:
            # Others need not load it.
            from pynats_server.clients.arriving.proxied import ProxyHeaders

            self._headers = ProxyHeaders(self._log)

    def welcome(self, client: ClientConnection) -> None:
        """A client is there, and nothing of it was read."""
        tls = self._state.tls
        if tls is None:
            self._greet(client)
            if self._has_room(client):
                self._behind_header(client, self._go_on)
            return
        options = tls.options
        waiting = self.waiting[client] = _Waiting(tls, options.handshake_first)
        if not waiting.first:
            self._go_on_plainly(client)
        elif options.handshake_first_fallback > 0:
            client.begin_prologue(self._first_bytes)
            self._after(options.handshake_first_fallback, client, waiting, self._fall_back)
        else:
            self._secure_first(client)

    def _behind_header(self, client: ClientConnection, then: Step) -> None:
        """Takes a step when a proxy has said who the client is, where proxies do."""
        if self._headers is not None:
            self._headers.expect(client, then)
        else:
            then(client)

    def _go_on(self, client: ClientConnection) -> None:
        """Without TLS."""
        client.end_prologue()
        self._begin(client)

    def forget(self, client: ClientConnection) -> None:
        """It has gone."""
        if self._headers is not None:
            self._headers.forget(client)
        waiting = self.waiting.pop(client, None)
        if waiting is not None:
            waiting.stop()

    def _after(
        self,
        seconds: float,
        client: ClientConnection,
        waiting: _Waiting,
        step: Callable[[ClientConnection, _Waiting], None],
    ) -> None:
        """Takes a step if nothing happens meanwhile."""
        waiting.stop()
        loop = asyncio.get_running_loop()
        waiting.timer = loop.call_later(max(0.0, seconds), self._late, client, waiting, step)

    def _late(
        self,
        client: ClientConnection,
        waiting: _Waiting,
        step: Callable[[ClientConnection, _Waiting], None],
    ) -> None:
        if self.waiting.get(client) is waiting and not client.closing:
            waiting.timer = None
            step(client, waiting)

    # -- the handshake first, or INFO if the client waits ------------------------------------

    def _first_bytes(self, client: ClientConnection, data: bytes) -> int:
        """Who says something before INFO says it in TLS."""
        waiting = self.waiting[client]
        waiting.spoke = True
        if len(data) < SNIFFED:
            return MORE
        waiting.stop()
        self._secure_first(client)
        return 0

    def _fall_back(self, client: ClientConnection, waiting: _Waiting) -> None:
        waiting.first = waiting.spoke
        if not waiting.first:
            self._go_on_plainly(client)
        else:
            self._secure_first(client)

    def _secure_first(self, client: ClientConnection) -> None:
        if self._has_room(client):
            self._behind_header(client, self._secure)

    # -- INFO first ------------------------------------------------------------------------

    def _go_on_plainly(self, client: ClientConnection) -> None:
        self._greet(client)
        if self._has_room(client):
            self._behind_header(client, self._sniff_or_secure)

    def _sniff_or_secure(self, client: ClientConnection) -> None:
        if not self._state.options.allow_non_tls:
            self._secure(client)
            return
        waiting = self.waiting[client]
        client.begin_prologue(self._sniff)
        self._after(waiting.tls.options.timeout, client, waiting, self._decide)

    def _sniff(self, client: ClientConnection, data: bytes) -> int:
        """Who begins as TLS does speaks TLS; it says so with more bytes than a plain client's
        shortest line has."""
        waiting = self.waiting[client]
        waiting.begins_tls = data.startswith(HANDSHAKE)
        if len(data) < SNIFFED:
            return MORE
        self._decide(client, waiting)
        return 0

    def _decide(self, client: ClientConnection, waiting: _Waiting) -> None:
        if waiting.begins_tls:
            self._secure(client)
            return
        self.forget(client)
        self._go_on(client)

    # -- the handshake ---------------------------------------------------------------------

    def _secure(self, client: ClientConnection) -> None:
        waiting = self.waiting[client]
        limit = waiting.tls.options.connection_rate_limit
        if limit > 0 and not self._rate.allows(limit):
            client.send_error(THROTTLED)
            client.close(CloseReason.MAX_CONNECTIONS_EXCEEDED)
            return
        if self._log.debug_enabled:
            self._log.debug("Starting TLS client connection handshake", Who(client))
        self._after(waiting.tls.options.timeout, client, waiting, self._time_out)
        client.start_tls(waiting.tls.context)

    def _time_out(self, client: ClientConnection, waiting: _Waiting) -> None:
        state = self._state
        here = host_port(state.options.host, state.client_port)
        there = host_port(client.host, client.port)
        self._fail(client, f"read tcp {here}->{there}: i/o timeout", quiet=True)
        self._log.debug("TLS handshake timeout", Who(client))

    def on_failed(self, client: ClientConnection, text: str) -> None:
        """The handshake came to nothing; the connection ends without a word."""
        self.forget(client)
        self._fail(client, text, quiet=text == NOT_TLS)

    def _fail(self, client: ClientConnection, text: str, *, quiet: bool = False) -> None:
        line = f"TLS handshake error: {text}"
        if quiet:
            self._log.debug(line, Who(client))
        else:
            self._log.error(line, Who(client))
        self._state.handshakes_failed += 1
        client.close(CloseReason.TLS_HANDSHAKE_ERROR)

    def on_secured(self, client: ClientConnection) -> None:
        """The handshake is complete."""
        waiting = self.waiting.pop(client, None)
        if waiting is None or client.closing:
            return
        waiting.stop()
        tls: PeerTls = client.tls
        session = session_of(client)
        session.hello.tls = tls
        self._state.tls_clients += 1
        session.tls_first = waiting.first
        # A reload during the handshake may have changed the list.
        if not self._pinned(client, self._state.tls or waiting.tls):
            self._fail(client, NOT_PINNED)
            return
        self._state.handshakes[tls.version] += 1
        if self._log.debug_enabled:
            self._log.debug("TLS handshake complete", Who(client))
            self._log.debug(f"TLS version {tls.version}, cipher suite {tls.cipher}", Who(client))
        if waiting.tls.options.checks_revocation:
            self.revocation.check(client, waiting.tls, self._judged)
        else:
            self._come_in(client)

    def _judged(self, client: ClientConnection, valid: bool) -> None:
        if valid:
            self._come_in(client)
        else:
            self._fail(client, NOT_VALID)

    def _come_in(self, client: ClientConnection) -> None:
        if session_of(client).tls_first:
            self._greet(client)
        self._begin(client)

    def _pinned(self, client: ClientConnection, tls: TlsInForce) -> bool:
        if not tls.plan.pins:
            return True
        from pynats_server.tls.force import is_pinned  # loaded where there is a TlsInForce

        peer = session_of(client).hello.tls
        good, key = is_pinned(tls.plan, peer.sent if peer is not None else ())
        if not good:
            why = f"for key id: {key}" if key else "as client did not provide a certificate"
            self._log.debug(f"Failed pinned cert test {why}", Who(client))
        return good

    # -- later -----------------------------------------------------------------------------

    def drop_unpinned(self) -> None:
        """Ends the clients whose certificates are not among those of a changed list."""
        tls = self._state.tls
        if tls is None or not tls.plan.pins:
            return
        gone = [
            client
            for client in self._state.clients()
            if session_of(client).hello.tls is not None and not self._pinned(client, tls)
        ]
        if gone:
            self._log.notice(f"Disconnect {len(gone)} clients due to pinned certs reload")
        for client in gone:
            client.close(CloseReason.TLS_HANDSHAKE_ERROR)
