"""The monitoring listener. The code that answers requests is imported at the first request, in a
thread: a server must start fast and may never get one."""

from __future__ import annotations

import asyncio
import importlib
import socket
from typing import TYPE_CHECKING, Any

from pynats_common.go.errno import errno_text
from pynats_common.network.urls import host_port

from pynats_server.core.sockets.address import listening_soon
from pynats_server.monitor.serving.farewell import closed

if TYPE_CHECKING:
    import ssl

    from pynats_server.monitor.endpoints import Endpoints
    from pynats_server.monitor.serving.door import Door
    from pynats_server.monitor.serving.http import Peer, Reader, Writer
    from pynats_server.monitor.serving.secure import SecureStream
    from pynats_server.monitor.source import MonitorSource

CONNECTIONS_MAX = 256  # at once; one more closes the one that is idle the longest
BACKLOG = 100  # connections that wait in the kernel
READ_LIMIT = 16 * 1024  # bytes buffered per connection


class _Guest:
    """One connection; `peer` when its first request is awaited."""

    def __init__(self, writer: Writer, secure: bool) -> None:
        self.writer = writer
        self.secure = secure
        self.peer: Peer | None = None
        self.leaving = False

    @property
    def waits_since(self) -> float | None:
        """When it began to wait for a request (loop time); None during an answer."""
        return 0.0 if self.peer is None else self.peer.waits_since

    def leave(self) -> None:
        """Closes at once: output that is not taken would keep the connection open for ever, and so
        would a peer that does not answer the end of TLS."""
        if self.secure or self.writer.transport.get_write_buffer_size():
            self.writer.transport.abort()
        else:
            self.writer.close()


class MonitorServer:
    """HTTP monitoring of one server on one address; HTTPS with a context."""

    def __init__(self, source: MonitorSource, context: ssl.SSLContext | None = None) -> None:
        self._source = source
        self._context = context
        self._server: asyncio.Server | None = None
        self._endpoints: Endpoints | None = None
        self._loading = asyncio.Lock()
        self._guests: dict[asyncio.Task[None], _Guest] = {}
        self._door: Door | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens (port 0: any free one) and returns the port. Raises OSError with address and
        reason in its text."""
        host = host.strip("[]")
        if self._context is not None:
            from pynats_server.monitor.serving.door import Door

            self._door = Door(self._context, self._enter, self._source.log.part("monitor"))
        try:
            sock = await listening_soon(host, port, BACKLOG)
            # Held before it serves, which takes a turn: who starts it may be cancelled there.
            self._server = await asyncio.get_running_loop().create_server(
                self._protocol, sock=sock, start_serving=False
            )
            await self._server.start_serving()
        except OSError as error:
            raise OSError(error.errno, _explain(error, host, port)) from error
        except UnicodeError as error:  # the host name is invalid
            unknown = socket.gaierror(socket.EAI_NONAME, "no such host")
            raise OSError(unknown.errno, _explain(unknown, host, port)) from error
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Closes the listener and its connections. Idempotent."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        if self._door is not None:
            await self._door.close()
        tasks = list(self._guests)
        for task, guest in self._guests.items():
            guest.leave()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._endpoints is not None:
            self._endpoints.close()

    def _protocol(self) -> asyncio.BaseProtocol:
        accept = self._accept if self._door is None else self._door.knock
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(READ_LIMIT), accept)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._admit(reader, writer)

    def _enter(self, stream: SecureStream) -> None:
        self._admit(stream, stream)

    def _admit(self, reader: Reader, writer: Writer) -> None:
        if self._server is None or not self._make_room():
            writer.close()
            return
        guest = _Guest(writer, self._context is not None)
        task = asyncio.ensure_future(self._serve(reader, guest))
        self._guests[task] = guest
        task.add_done_callback(self._guests.pop)

    def _make_room(self) -> bool:
        """Whether to accept one more connection. If there are too many, closes the one that is idle
        the longest: idle connections must not keep a health check out."""
        staying = [guest for guest in self._guests.values() if not guest.leaving]
        if len(staying) < CONNECTIONS_MAX:
            return True
        idle = [guest for guest in staying if guest.waits_since is not None]
        if not idle:
            return False
        longest = min(idle, key=lambda guest: guest.waits_since or 0.0)
        longest.leaving = True
        longest.leave()  # its task then reads the end of the stream and returns
        return True

    async def _serve(self, reader: Reader, guest: _Guest) -> None:
        writer = guest.writer
        try:
            endpoints = await self._load()
            from pynats_server.monitor.serving.http import Peer

            guest.peer = Peer(reader, writer, endpoints)
            await guest.peer.serve()
        except Exception as error:  # ours: what a peer does ends only its connection
            self._source.log.part("monitor").error(f"monitoring connection failed: {error!r}")
        finally:
            await closed(writer)

    async def _load(self) -> Endpoints:
        async with self._loading:
            if self._endpoints is None:
                module: Any = await asyncio.to_thread(
                    importlib.import_module, "pynats_server.monitor.endpoints"
                )
                self._endpoints = module.Endpoints(self._source)
        assert self._endpoints is not None
        return self._endpoints


def _explain(error: OSError, host: str, port: int) -> str:
    """The error text of the real server."""
    address = host_port(host, port)
    if isinstance(error, socket.gaierror):
        reason = f"lookup {host}: {error.strerror}"
    else:
        reason = f"bind: {errno_text(error.errno or 0)}"
    return (
        f"Can't start monitoring: can't listen to the monitor port: listen tcp {address}: {reason}"
    )
