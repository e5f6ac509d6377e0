"""GET over a connection that is kept: HTTP is read with h11, over the loop's own connections.

So an answer has one time limit, however slowly it comes, and can be given up at once; urllib would
need a thread for each, and knows a limit for single reads only.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import h11

READ: Final = 1 << 16
PORTS: Final = {"http": 80, "https": 443}
_GREETING: Final = b"INFO {"
_KEPT_LOST = (ConnectionError, EOFError)


class WebError(Exception):
    """What came is no HTTP, or too much of it."""


class ClientPortError(WebError):
    """A NATS server's greeting came instead of HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a web server said; names of headers are in small letters."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


class Web:
    """GET requests to one server, one at a time. `tls` is for https. `most` is how long an answer
    may be."""

    def __init__(
        self, url: str, headers: Iterable[tuple[str, str]], tls: ssl.SSLContext | None, most: int
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._tls = tls if parts.scheme == "https" else None
        self._most = most
        host = parts.netloc.rpartition("@")[2]
        named = host if host.isascii() else host.encode("idna").decode()
        self._headers = [("Host", named), *headers]
        self._open: _Connection | None = None

    async def get(self, target: str | bytes) -> Answer:
        """One answer. Raises WebError, EOFError, OSError, UnicodeError."""
        kept = self._open
        if kept is not None:
            try:
                return await self._ask(kept, target)
            except _KEPT_LOST:
                pass  # the server had ended it meanwhile
        return await self._ask(await self._connect(), target)

    async def _connect(self) -> _Connection:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        self._open = _Connection(reader, writer, self._most)
        return self._open

    async def _ask(self, connection: _Connection, target: str | bytes) -> Answer:
        try:
            answer = await connection.exchange(target, self._headers)
        except BaseException:
            self.close()
            raise
        if not connection.may_stay:
            self.close()
        return answer

    def close(self) -> None:
        """Ends the connection at once; who waits for an answer gets an error."""
        if self._open is not None:
            self._open.abort()
            self._open = None


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int
    ) -> None:
        import h11

        self._reader, self._writer = reader, writer
        self._most = most
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ)
        self._heard = False  # of the answer that is waited for

    @property
    def may_stay(self) -> bool:
        import h11

        return self._state.our_state is h11.IDLE

    def abort(self) -> None:
        self._writer.transport.abort()

    async def exchange(self, target: str | bytes, headers: list[tuple[str, str]]) -> Answer:
        import h11

        try:
            request = h11.Request(method="GET", target=target, headers=headers)
            for part in (request, h11.EndOfMessage()):
                self._writer.write(self._state.send(part) or b"")
            await self._writer.drain()
            return await self._answer()
        except (h11.RemoteProtocolError, h11.LocalProtocolError) as error:
            raise WebError(f"no HTTP: {error}") from None

    async def _answer(self) -> Answer:
        import h11

        head: h11.Response | None = None
        body = bytearray()
        self._heard = False
        while True:
            event = self._state.next_event()
            if event is h11.NEED_DATA:
                self._receive(await self._reader.read(READ), head)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._most:
                    raise WebError(f"the answer is longer than {self._most} bytes")
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                break
        if head is None:
            raise EOFError
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        said = {name.decode("latin-1"): text.decode("latin-1") for name, text in head.headers}
        return Answer(head.status_code, head.reason.decode("latin-1"), said, bytes(body))

    def _receive(self, data: bytes, head: Any) -> None:
        if not self._heard and data.startswith(_GREETING):
            raise ClientPortError
        if not data and head is None:
            if self._heard:
                raise WebError("no HTTP: something else is there")
            raise EOFError
        self._heard = True
        self._state.receive_data(data)


def authorization(user: str, password: str | None) -> str:
    """The header's value: a user with a password, or a token alone; "" without any."""
    if not user and not password:
        return ""
    return f"Bearer {user}" if password is None else basic(user, password)


def basic(user: str, password: str) -> str:
    """The header's value for a user and a password."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Basic {pair}"


def login_in(url: str) -> tuple[str, str | None] | None:
    """User and password in a URL, the password None if it has none; None without a user."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), None if parts.password is None else unquote(parts.password)
