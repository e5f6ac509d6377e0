"""Where HTTPS begins: who speaks HTTP without TLS is told so, as Go's servers do.

asyncio's TLS reads what comes, and says nothing to who does not speak it. So the first byte is
looked at before a connection is given to it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

from pynats_server.core.sockets.address import host_port, plain

ARRIVING_MAX: Final = 256  # at once; one more closes the one that came first
HANDSHAKE_S: Final = 5.0  # for a peer to come to HTTP
HANDSHAKE: Final = b"\x16"  # how TLS begins
METHODS: Final = (b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO")  # how HTTP does
WANTS_TLS: Final = (
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
)


class Log(Protocol):
    def debug(self, text: str, /) -> None: ...


class Door:
    """Of one listener. `protocol` makes that of a connection that has come through."""

    def __init__(
        self, context: ssl.SSLContext, protocol: Callable[[], asyncio.BaseProtocol], log: Log
    ) -> None:
        self._context = context
        self._protocol = protocol
        self._log = log
        self._arriving: dict[asyncio.Task[None], None] = {}

    def arrival(self) -> asyncio.BaseProtocol:
        """The protocol of a connection that was just accepted."""
        return _Arrival(self._begin)

    def _begin(self, sock: socket.socket, address: Sequence[object]) -> None:
        if len(self._arriving) >= ARRIVING_MAX:
            next(iter(self._arriving)).cancel()
        task = asyncio.ensure_future(self._let_in(sock, address))
        self._arriving[task] = None
        task.add_done_callback(self._arriving.pop)

    async def _let_in(self, sock: socket.socket, address: Sequence[object]) -> None:
        loop, (host, port, *_) = asyncio.get_running_loop(), address
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                if await _first_byte(sock) != HANDSHAKE:
                    raise ConnectionError(await _answer(sock))
                await loop.connect_accepted_socket(
                    self._protocol, sock, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S
                )
        except (OSError, TimeoutError) as error:
            sock.close()
            why = str(error) or "i/o timeout"
            peer = host_port(plain(str(host)), int(str(port)))
            self._log.debug(f"monitoring: TLS handshake error from {peer}: {why}")
        except asyncio.CancelledError:
            sock.close()
            raise

    async def close(self) -> None:
        """Who has not come through is sent away."""
        tasks = list(self._arriving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Arrival(asyncio.Protocol):
    """Takes the connection out of its transport before that has read anything."""

    def __init__(self, begin: Callable[[socket.socket, Sequence[object]], None]) -> None:
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        descriptor = transport.get_extra_info("socket").fileno()
        sock = socket.socket(fileno=os.dup(descriptor))
        sock.setblocking(False)
        cast(asyncio.Transport, transport).abort()  # of two descriptors, one stays open
        self._begin(sock, transport.get_extra_info("peername") or ("unknown", 0))


async def _first_byte(sock: socket.socket) -> bytes:
    """It stays where it is, for TLS to read."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def on_readable() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(sock, on_readable)
    try:
        await readable
        return sock.recv(1, socket.MSG_PEEK)
    finally:
        loop.remove_reader(sock)


async def _answer(sock: socket.socket) -> str:
    """To who does not speak TLS; what it speaks."""
    loop = asyncio.get_running_loop()
    begins = b""
    while len(begins) < len(METHODS[0]):
        more = await loop.sock_recv(sock, 4096)
        if not more:
            return "unexpected EOF"
        begins += more
    if not begins.startswith(METHODS):
        return "tls: first record does not look like a TLS handshake"
    await loop.sock_sendall(sock, WANTS_TLS)
    return "client sent an HTTP request to an HTTPS server"
