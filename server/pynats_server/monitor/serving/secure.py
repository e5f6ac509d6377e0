"""HTTPS as a stream: TLS by the interpreter's `ssl`, asked for what there is when somebody reads.

asyncio's own TLS opens a quarter of a megabyte in one go, and sends what that asks for whether or
not the peer takes it. A quarter of a megabyte is ten thousand key updates, which ask for keys and
an answer each: more than a second of everybody's time, for nothing. So bytes go in by slices here,
nothing goes in before what was said has left, and records without content are counted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

SLICE: Final = 512  # bytes opened in one go: some milliseconds, if they are key updates
HANDSHAKE_RECORDS: Final = 64  # of a peer
IDLE_RECORDS: Final = 16  # in a row without content, after which the connection ends; as in Go

_T = TypeVar("_T")


class SecureStream:
    """Reads and writes as asyncio's streams do, through TLS, over a pair of those."""

    def __init__(
        self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._early = b""  # read already, not looked at
        self._records = Records()
        self._idle = 0

    @property
    def transport(self) -> asyncio.WriteTransport:
        """Of the connection below."""
        return self._writer.transport

    def get_extra_info(self, name: str) -> object:
        """Of the connection below."""
        return self._writer.get_extra_info(name)

    async def shake(self, begins: bytes) -> None:
        """The handshake, of which the beginning has been read. Raises OSError."""
        self._early = begins
        try:
            await self._until(self._tls.do_handshake, HANDSHAKE_RECORDS)
        except ssl.SSLEOFError:
            raise ConnectionError("EOF") from None
        self._idle = 0

    async def read(self, most: int) -> bytes:
        """Some bytes; none at the end. Raises OSError."""
        try:
            data = await self._until(partial(self._tls.read, most), IDLE_RECORDS)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        self._idle = 0
        return data

    async def _until(self, step: Callable[[], _T], records: int) -> _T:
        """Repeats a step until it needs no more of the peer's bytes."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                self._flush()
            if self._idle > records:
                raise ConnectionError("tls: too many ignored records")
            await self._writer.drain()  # who takes no answers is not heard
            if not self._early:
                self._early = await self._reader.read(SLICE)
            if not self._early:
                self._incoming.write_eof()
                continue
            said, self._early = self._early[:SLICE], self._early[SLICE:]
            self._idle += self._records.ended(said)
            self._incoming.write(said)
            await asyncio.sleep(0)  # it may all be here already; others are there, too

    def write(self, data: bytes) -> None:
        """See asyncio.StreamWriter. Raises OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]
        self._flush()

    async def drain(self) -> None:
        """See asyncio.StreamWriter."""
        await self._writer.drain()

    def can_write_eof(self) -> bool:
        """TLS has no half of a connection."""
        return False

    def write_eof(self) -> None:
        """See can_write_eof."""
        raise NotImplementedError

    def is_closing(self) -> bool:
        """See asyncio.StreamWriter."""
        return self._writer.is_closing()

    def close(self) -> None:
        """Says goodbye, and closes when that has left. Idempotent."""
        if self._writer.is_closing():
            return
        try:
            self._tls.unwrap()
        except (ssl.SSLError, ValueError):
            pass  # the peer's goodbye is not waited for
        self._flush()
        self._writer.close()

    async def wait_closed(self) -> None:
        """See asyncio.StreamWriter."""
        await self._writer.wait_closed()

    def _flush(self) -> None:
        said = self._outgoing.read()
        if said and not self._writer.is_closing():
            self._writer.write(said)


class Records:
    """Where records end: five bytes tell the length of what follows them."""

    def __init__(self) -> None:
        self._head = b""
        self._missing = 0  # of the body

    def ended(self, data: bytes) -> int:
        """How many end in what comes next."""
        count = at = 0
        while at < len(data):
            if not self._missing:
                more = data[at : at + 5 - len(self._head)]
                self._head += more
                at += len(more)
                if len(self._head) < 5:
                    break
                self._missing = int.from_bytes(self._head[3:])
                self._head = b""
            taken = min(self._missing, len(data) - at)
            self._missing -= taken
            at += taken
            count += not self._missing
        return count
