"""The streams below nats-py's connection."""

from __future__ import annotations

import asyncio
import math
from typing import Any
from urllib.parse import ParseResult

from nats.aio.transport import TcpTransport
from nats.errors import ProtocolError

from pynats_cli.connect.socks import SocksProxy, open_through

AHEAD_BYTES = 128 * 1024 * 1024
"""What may wait here for a slow terminal, before it waits in the server, which cuts off who is too
slow."""
LINE_MAX = 4 * 1024 * 1024
"""The longest line of a server: INFO with thousands of addresses."""
_READ_BYTES = 4 * 1024 * 1024


class PatchedTransport(TcpTransport):  # type: ignore[misc]
    """nats-py's TCP transport, with long lines, and with a connection that a proxy opens."""

    def __init__(self, proxy: SocksProxy | None = None) -> None:
        super().__init__()
        self._proxy = proxy

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        if self._proxy is None:
            await super().connect(uri, buffer_size, connect_timeout)
            return
        opening = open_through(self._proxy, str(uri.hostname), uri.port or 0, buffer_size)
        reader, writer = await asyncio.wait_for(opening, connect_timeout)
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    async def readline(self) -> bytes:
        reader: Any = self._io_reader
        limit, reader._limit = reader._limit, LINE_MAX
        try:
            line: bytes = await super().readline()
        except ValueError:
            raise LineError from None
        finally:
            reader._limit = limit
        return line


class LineError(ProtocolError):  # type: ignore[misc]
    """A server's line has no end."""

    def __str__(self) -> str:
        return f"nats: a line of the server is longer than {LINE_MAX} bytes"


async def open_streams(
    url: ParseResult, proxy: SocksProxy | None, buffer_size: int, timeout_s: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Another connection to a server, on the way that the client takes."""
    transport = PatchedTransport(proxy)
    await transport.connect(url, buffer_size, math.ceil(timeout_s))
    return transport._io_reader, transport._io_writer


def read_ahead(transport: Any) -> None:
    """Lets what arrives on this connection wait in memory. WebSockets have other streams."""
    reader: Any = getattr(transport, "_io_reader", None)
    if hasattr(reader, "_limit"):
        reader._limit = AHEAD_BYTES // 2  # asyncio stops at twice the limit
    writer: Any = getattr(transport, "_io_writer", None)
    below: Any = getattr(writer, "transport", None)
    if hasattr(below, "max_size"):  # what is read at once
        below.max_size = _READ_BYTES


def extra_of(transport: Any, name: str) -> Any:
    """What asyncio knows of the connection by this name; None for a WebSocket."""
    writer = getattr(transport, "_io_writer", None)
    return writer.get_extra_info(name) if writer is not None else None
