"""Clients of TLS listeners that know no more than sockets and Python's `ssl`."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.deadline import PATIENCE_S

OPEN = "open"
CLOSED = "closed"


def client_context(
    folder: Path,
    certificate: str = "",
    *,
    authority: str = "ca",
    most: ssl.TLSVersion | None = None,
    ciphers: str = "",
) -> ssl.SSLContext:
    """Trusts `authority`, shows `certificate`; both are files in `folder`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / f"{authority}.pem")
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}-key.pem")
    if most is not None:
        context.maximum_version = most
    if ciphers:
        context.set_ciphers(ciphers)
    return context


@dataclass
class Heard:
    """What came until the end, or until it was quiet."""

    data: bytes
    end: str  # OPEN, CLOSED, or the error
    seconds: float


class TlsPeer:
    """One connection; plain until `secure` is called."""

    def __init__(self, port: int) -> None:
        self.socket: socket.socket | ssl.SSLSocket
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = time.monotonic()
        self.own_port: int = self.socket.getsockname()[1]

    def __enter__(self) -> TlsPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def line(self) -> bytes:
        """The next line, without its end; nothing more is taken from the socket."""
        found = bytearray()
        while not found.endswith(b"\n"):
            byte = self.socket.recv(1)
            if not byte:
                break
            found += byte
        return bytes(found).rstrip(b"\r\n")

    def info(self) -> dict[str, Any]:
        """The next line, which is INFO."""
        verb, _, rest = self.line().partition(b" ")
        assert verb == b"INFO", (verb, rest)
        found: dict[str, Any] = json.loads(rest)
        return found

    def secure(self, context: ssl.SSLContext, name: str | None = "localhost") -> str:
        """The handshake; empty, or why it failed."""
        if name is None:
            context.check_hostname = False
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except (OSError, ValueError) as error:
            return reason_of(error)
        return ""

    def hear(self, seconds: float = PATIENCE_S) -> Heard:
        """All that comes until the end, or until nothing came for so long."""
        self.socket.settimeout(seconds)
        found = bytearray()
        end = CLOSED
        began = time.monotonic()
        try:
            while data := self.socket.recv(1 << 16):
                found += data
        except TimeoutError:
            end = OPEN
        except OSError as error:
            end = reason_of(error)
        return Heard(bytes(found), end, time.monotonic() - began)

    def ping(self, connect: str = '{"verbose":false}') -> str:
        """Logs in; the answer's line, or why there is none."""
        self.send(f"CONNECT {connect}\r\nPING\r\n".encode())
        try:
            return self.line().decode() or CLOSED
        except OSError as error:
            return reason_of(error)


def reason_of(error: Exception) -> str:
    """Short, and without what varies."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or type(error).__name__).lower().replace("_", " ")
    if isinstance(error, ConnectionError):
        return CLOSED
    return type(error).__name__
