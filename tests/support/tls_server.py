"""A server whose clients must speak TLS, and clients of Python's `ssl` that do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynats_server.server.server import Server
from pynats_server.threaded import ThreadedServer
from pynats_server.tls.engine import Engine
from pynats_server.tls.force import TlsInForce
from pynats_server.tls.options import TlsOptions

from tests.support.authorities import Authority
from tests.support.deadline import PATIENCE_S
from tests.support.tls import TlsPlan, client_context


@contextmanager
def tls_server(engine: Engine, plan: TlsPlan, **settings: Any) -> Iterator[ThreadedServer]:
    with ThreadedServer(log=None, **settings) as running:
        context = engine.server_context(plan)
        options = TlsOptions(timeout=PATIENCE_S, verify=plan.verify)

        def secure(server: Server) -> None:
            server.options.tls = options
            server.state.tls = TlsInForce(options, plan, context, engine)
            server.info.refresh()

        running.call(secure)
        yield running


def dial(running: ThreadedServer, rcvbuf: int | None = None) -> socket.socket:
    """A connection whose INFO has been read."""
    sock = socket.socket()
    if rcvbuf is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(PATIENCE_S)
    sock.connect(("127.0.0.1", running.server.client_port))
    info = b""
    while not info.endswith(b"\r\n"):
        info += sock.recv(4096)
    assert b'"tls_required":true' in info
    return sock


class TlsClient:
    """A client that has logged in, for scripts that block."""

    def __init__(
        self,
        running: ThreadedServer,
        authority: Authority,
        context: ssl.SSLContext | None = None,
        rcvbuf: int | None = None,
    ) -> None:
        context = context or client_context(authority)
        self.socket = context.wrap_socket(dial(running, rcvbuf), server_hostname="localhost")
        self.received = bytearray()
        self.send(b'CONNECT {"verbose":false}\r\nPING\r\n')
        self.expect(b"PONG\r\n")

    def __enter__(self) -> TlsClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, size: int = 1 << 16) -> bytes:
        """Some more; empty at the end."""
        try:
            return self.socket.recv(size)
        except (ssl.SSLEOFError, ConnectionError):
            return b""

    def expect(self, end: bytes) -> bytes:
        """Everything up to and with something."""
        while end not in self.received:
            part = self.read()
            assert part, f"closed after {bytes(self.received[-100:])!r}"
            self.received += part
        at = self.received.index(end) + len(end)
        found = bytes(self.received[:at])
        del self.received[:at]
        return found

    def exactly(self, size: int) -> bytes:
        while len(self.received) < size:
            part = self.read()
            assert part, f"closed after {len(self.received)} bytes of {size}"
            self.received += part
        found = bytes(self.received[:size])
        del self.received[:size]
        return found

    def fence(self) -> bytes:
        self.send(b"PING\r\n")
        return self.expect(b"PONG\r\n")
