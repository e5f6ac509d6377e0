"""A client's socket with TLS: blocking here, and a loop takes its session over (`engine`)."""

from __future__ import annotations

import socket
from functools import cache
from typing import TYPE_CHECKING, Any

from pynats_server.core.sockets.layer import ENDED, FAILED, READY, Layer

from pynats_bench.model import LoadError

if TYPE_CHECKING:
    from pynats_server.tls.engine.choice import TlsContext

CIPHER = (
    "TLS_AES_128_GCM_SHA256"  # what both servers choose; another one would measure another thing
)
READ_BYTES = 65_536


@cache
def client_context() -> TlsContext:
    """TLS 1.3 and X25519, whatever engine the server under test is told to use. The certificate is
    not looked at, its signature is."""
    from pynats_server.tls.engine import ENGINES
    from pynats_server.tls.engine.library import Unusable

    from pynats_bench.tls.plan import Plan

    plan = Plan(min_version=0x0304, groups=("X25519",), resumption=False)
    try:
        return ENGINES["cryptography"]().client_context(plan)
    except Unusable:
        return ENGINES["interpreter"]().client_context(plan)


def compared(link: socket.socket) -> SecureSocket:
    """TLS as it is compared: LoadError where the server chooses another cipher."""
    secured = SecureSocket(link, client_context().layer())
    cipher = getattr(secured.layer.peer(), "cipher", None)
    if cipher != CIPHER:
        secured.close()
        raise LoadError(f"the server chose {cipher} instead of {CIPHER}")
    return secured


class SecureSocket(socket.socket):
    """Calls of a blocking socket that `session` makes, over a connected one, which it takes."""

    def __init__(self, link: socket.socket, layer: Layer) -> None:
        timeout = link.gettimeout()
        super().__init__(link.family, link.type, link.proto, link.detach())
        self.settimeout(timeout)
        self._opened = b""
        self.layer = layer
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        said = b""
        while (answer := self.layer.greet(said)) != READY:
            super().sendall(self.layer.take())
            if answer in (ENDED, FAILED):
                raise LoadError(self.layer.failure())
            if not (said := super().recv(READ_BYTES)):
                raise LoadError("the server closed the connection in the handshake")
        super().sendall(self.layer.take())

    def recv(self, size: int, flags: int = 0) -> bytes:
        while not self._opened:
            if not (sealed := super().recv(READ_BYTES, flags)):
                return b""
            self._opened, outcome = self.layer.open(sealed)
            if outcome == FAILED:
                raise LoadError(self.layer.failure())
            if outcome == ENDED and not self._opened:
                return b""
        found, self._opened = self._opened[:size], self._opened[size:]
        return found

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        found = self.recv(nbytes or len(buffer), flags)
        memoryview(buffer)[: len(found)] = found
        return len(found)

    def sendall(self, data: Any, flags: int = 0) -> None:
        super().sendall(self.layer.seal(bytes(data)), flags)
