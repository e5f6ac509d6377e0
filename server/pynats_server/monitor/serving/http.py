"""One HTTP/1.1 connection: request bodies are ignored, answers are made while they are sent.

The next request is read when the last answer has left. h11 speaks the protocol; this module owns
the socket, the limits and the timeouts. Everything that a peer can make us store or wait for has a
limit here.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

import h11
from pynats_common.go.text import bytes_of
from pynats_common.network.urls import network_of

from pynats_server.monitor.json import Pieces

HEADER_MAX = 64 * 1024  # bytes of request line and headers
BODY_MAX = 64 * 1024  # bytes of a request body, which is ignored
HEADER_TIMEOUT_S = 5.0  # seconds for a request to arrive
IDLE_TIMEOUT_S = 60.0  # seconds between two requests of one connection
WRITE_TIMEOUT_S = 10.0  # seconds to send a piece of an answer
READ_SIZE = 16 * 1024
WRITE_SIZE = 64 * 1024  # bytes passed to the socket at once, and held of an answer
TEXT = "text/plain; charset=utf-8"


@dataclass(slots=True)
class Request:
    """A request. `target` is the path with its query, as sent."""

    method: str
    target: str
    accept: str = ""
    authorization: str = field(default="", repr=False)
    if_none_match: str = ""


@dataclass(slots=True)
class Response:
    """An answer; the pieces of its body are made as they are sent."""

    status: int
    content_type: str
    body: Pieces
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def text(cls, status: int, text: str) -> Response:
        return cls(status, TEXT, iter((bytes_of(text),)))


class Reader(Protocol):
    """See asyncio.StreamReader."""

    async def read(self, n: int, /) -> bytes: ...


class Writer(Protocol):
    """See asyncio.StreamWriter."""

    @property
    def transport(self) -> asyncio.WriteTransport: ...
    def get_extra_info(self, name: str, /) -> object: ...
    def write(self, data: bytes, /) -> None: ...
    async def drain(self) -> None: ...
    def can_write_eof(self) -> bool: ...
    def write_eof(self) -> None: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    async def wait_closed(self) -> None: ...


class Handler(Protocol):
    """Makes answers."""

    def answer(self, peer: Peer, request: Request) -> AbstractAsyncContextManager[Response]:
        """The answer, and a time in which it may be sent."""
        ...

    async def next_part(self, peer: Peer, body: Pieces, size: int) -> bytes:
        """About `size` bytes more of a body; fewer at its end."""
        ...


class _Refused(Exception):
    """The request is refused: status and text of the answer, after which we close."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Peer:
    """One HTTP connection."""

    def __init__(self, reader: Reader, writer: Writer, handler: Handler) -> None:
        self._reader = reader
        self._writer = writer
        self._handler = handler
        name: Any = writer.get_extra_info("peername")
        self.network = network_of(name[0]) if name else ""  # with whom it shares its turns
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_MAX)
        self._header_bytes = 0
        self._started = False  # whether bytes of the awaited request have arrived
        # When waiting for a request began (loop time); None while one is answered.
        self.waits_since: float | None = asyncio.get_running_loop().time()
        self.stuck_since: float | None = None  # when it began to wait for the peer to read

    async def serve(self) -> None:
        """Serves until the peer disconnects, sends bad input, or is too slow. Does not close the
        writer."""
        try:
            patience_s = HEADER_TIMEOUT_S
            while await self._exchange(patience_s):
                patience_s = IDLE_TIMEOUT_S
        except (OSError, TimeoutError, h11.ProtocolError):
            self._writer.transport.abort()

    async def _exchange(self, patience_s: float) -> bool:
        """One request and its answer. Returns whether another may follow."""
        try:
            request = await self._request(patience_s)
            if request is None:
                return False
        except _Refused as refusal:
            await self._refuse(refusal)
            return False
        self.waits_since = None
        async with self._handler.answer(self, request) as response:
            await self._answer(response, with_body=request.method != "HEAD")
        self.waits_since = asyncio.get_running_loop().time()
        if self._protocol.our_state is h11.MUST_CLOSE or self._protocol.their_state is not h11.DONE:
            return False
        self._protocol.start_next_cycle()
        return True

    # -- reading ------------------------------------------------------------------------------

    async def _request(self, patience_s: float) -> Request | None:
        """The next request, without its body; None when the peer has disconnected. Raises
        _Refused."""
        self._header_bytes = 0
        self._started = bool(self._protocol.trailing_data[0])
        try:
            if not self._started and patience_s > HEADER_TIMEOUT_S:
                async with asyncio.timeout(patience_s):
                    if not await self._read():
                        return None
            async with asyncio.timeout(HEADER_TIMEOUT_S):
                return await self._read_request()
        except TimeoutError:
            if not self._started:
                return None
            raise _Refused(400, "400 Bad Request") from None
        except h11.RemoteProtocolError as error:
            raise _refusal(error) from None

    async def _read_request(self) -> Request | None:
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        if not self._protocol.they_are_waiting_for_100_continue:
            size = 0
            while isinstance(part := await self._next_event(), h11.Data):
                size += len(part.data)
                if size > BODY_MAX:
                    raise _Refused(413, "413 Request Entity Too Large")
        return Request(
            event.method.decode("latin-1"),
            event.target.decode("latin-1"),
            _header(event, b"accept"),
            _header(event, b"authorization"),
            _header(event, b"if-none-match"),
        )

    async def _next_event(self) -> object:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            await self._read()
        return event

    async def _read(self) -> bool:
        data = await self._reader.read(READ_SIZE)
        self._started = self._started or bool(data)
        self._protocol.receive_data(data)
        return bool(data)

    # -- writing ------------------------------------------------------------------------------

    async def _answer(self, response: Response, with_body: bool) -> None:
        first = await self._part_of(response)
        more = await self._part_of(response) if len(first) >= WRITE_SIZE else b""
        headers = [
            *response.headers,
            ("Content-Type", response.content_type),
            ("Date", formatdate(usegmt=True)),
        ]
        # Otherwise nobody knows the length yet, or it is that of what the peer has already.
        if not more and response.status != HTTPStatus.NOT_MODIFIED:
            headers.append(("Content-Length", str(len(first))))
        if self._protocol.their_state is not h11.DONE:  # a body that we do not need
            headers.append(("Connection", "close"))
        reason = HTTPStatus(response.status).phrase
        head = h11.Response(status_code=response.status, headers=headers, reason=reason)
        await self._write(self._protocol.send(head) or b"")
        if with_body:
            part = first
            while part:
                await self._write(self._protocol.send(h11.Data(data=part)) or b"")
                part, more = more, b""
                part = part or await self._part_of(response)
        await self._write(self._protocol.send(h11.EndOfMessage()) or b"")

    async def _part_of(self, response: Response) -> bytes:
        return await self._handler.next_part(self, response.body, WRITE_SIZE)

    def abort(self) -> None:
        """Cuts the connection: it does not read, and others wait."""
        self._writer.transport.abort()

    async def _refuse(self, refusal: _Refused) -> None:
        if self._protocol.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        head = (
            f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\n"
            f"Content-Type: {TEXT}\r\nConnection: close\r\n\r\n{refusal.text}"
        )
        await self._write(head.encode())
        await self._linger()

    async def _linger(self) -> None:
        """Lets the peer read the refusal: closing with unread input would reset the connection."""
        with contextlib.suppress(OSError, TimeoutError):
            if self._writer.can_write_eof():
                self._writer.write_eof()
            async with asyncio.timeout(HEADER_TIMEOUT_S / 5):
                for _ in range(BODY_MAX * 16 // READ_SIZE):
                    if not await self._reader.read(READ_SIZE):
                        break

    async def _write(self, data: bytes) -> None:
        if not data:
            return
        if self._writer.is_closing():
            raise ConnectionResetError
        self._writer.write(data)
        self.stuck_since = asyncio.get_running_loop().time()
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await self._writer.drain()
        self.stuck_since = None


def _header(event: h11.Request, name: bytes) -> str:
    """The value of a header, the first of several; empty if there is none."""
    return next((value for key, value in event.headers if key == name), b"").decode("latin-1")


def _refusal(error: h11.RemoteProtocolError) -> _Refused:
    status = error.error_status_hint
    if status == 431:
        return _Refused(431, "431 Request Header Fields Too Large")
    if status == 501:
        return _Refused(501, "Unsupported transfer encoding")
    if "Host" in str(error) and "Missing" in str(error):
        return _Refused(400, "400 Bad Request: missing required Host header")
    return _Refused(400, "400 Bad Request")
