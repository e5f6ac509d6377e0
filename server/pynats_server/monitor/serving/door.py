"""Where HTTPS begins: who speaks HTTP without TLS is told so, as Go's servers do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from pynats_common.network.urls import host_port

from pynats_server.core.sockets.address import plain
from pynats_server.monitor.serving.farewell import closed
from pynats_server.monitor.serving.secure import SLICE, SecureStream

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
    """Of one listener. `enter` gets those that have come through."""

    def __init__(
        self, context: ssl.SSLContext, enter: Callable[[SecureStream], None], log: Log
    ) -> None:
        self._context = context
        self._enter = enter
        self._log = log
        self._arriving: dict[asyncio.Task[None], None] = {}

    def knock(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection was just accepted."""
        if len(self._arriving) >= ARRIVING_MAX:
            next(iter(self._arriving)).cancel()
        task = asyncio.ensure_future(self._let_in(reader, writer))
        self._arriving[task] = None
        task.add_done_callback(self._arriving.pop)

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port, *_ = writer.get_extra_info("peername") or ("unknown", 0)
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                begins = await reader.read(SLICE)
                if begins[:1] != HANDSHAKE:
                    raise ConnectionError(await _answer(begins, reader, writer))
                stream = SecureStream(self._context, reader, writer)
                await stream.shake(begins)
        except (OSError, TimeoutError) as error:
            why = str(error) or "i/o timeout"
            where = host_port(plain(host), port)
            self._log.debug(f"monitoring: TLS handshake error from {where}: {why}")
            await closed(writer)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        else:
            self._enter(stream)

    async def close(self) -> None:
        """Who has not come through is sent away."""
        tasks = list(self._arriving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answer(begins: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """To who does not speak TLS; what it speaks."""
    more = begins
    while more and len(begins) < len(METHODS[0]):
        more = await reader.read(SLICE)
        begins += more
    if not more:
        return "unexpected EOF"
    if not begins.startswith(METHODS):
        return "tls: first record does not look like a TLS handshake"
    writer.write(WANTS_TLS)
    await writer.drain()
    return "client sent an HTTP request to an HTTPS server"
