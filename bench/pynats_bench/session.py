"""The blocking part of a load connection: connect, handshake, subscribe, barrier."""

from __future__ import annotations

import base64
import json
import secrets
import socket
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from pynats_bench.engine.scan import StreamCounter
from pynats_bench.model import Endpoint, LoadError, Signer
from pynats_bench.secure import SecureSocket

HANDSHAKE_TIMEOUT_S = 60.0  # the reference server needs seconds to take a million subscriptions
SUBSCRIBE_CHUNK_BYTES = 65_536
SIGNATURE_BYTES = 64


def connect(endpoint: Endpoint, *, no_echo: bool = False) -> socket.socket:
    """A connected socket past the handshake (INFO, CONNECT, PING, PONG).

    Raises LoadError when the server cannot be reached or refuses the connection.
    """
    try:
        link = socket.create_connection((endpoint.host, endpoint.port), HANDSHAKE_TIMEOUT_S)
    except OSError as error:
        raise LoadError(f"cannot connect to {endpoint}: {error}") from None
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if endpoint.bare:
        return link
    try:
        info = _read_info(link) if endpoint.tls or endpoint.signer else {}
        if endpoint.tls:
            link = SecureSocket(link)
        options = _options(endpoint, str(info.get("nonce", "")), echo=not no_echo)
        link.sendall(b"CONNECT %s\r\n" % json.dumps(options).encode())
        barrier(link)
    except BaseException as error:
        link.close()
        if isinstance(error, OSError):
            raise LoadError(f"the connection failed: {error}") from None
        raise
    return link


def _read_info(link: socket.socket) -> dict[str, object]:
    """What the server says first. It says nothing else before it is answered."""
    said = b""
    while b"\n" not in said:
        if not (chunk := link.recv(65_536)):
            raise LoadError("the server closed the connection")
        said += chunk
    verb, _, fields = said.partition(b" ")
    if verb != b"INFO":
        raise LoadError(said.decode("latin-1").strip())
    info: dict[str, object] = json.loads(fields)
    return info


def _options(endpoint: Endpoint, nonce: str, *, echo: bool) -> dict[str, object]:
    options: dict[str, object] = {
        "verbose": False,
        "pedantic": False,
        "headers": True,
        "no_responders": True,
        "echo": echo,
        "protocol": 1,
        "lang": "pynats-bench",
        "version": "1",
    }
    if endpoint.user:
        options |= {"user": endpoint.user, "pass": endpoint.password}
    if endpoint.signer:
        options |= _signed(endpoint.signer, nonce)
    return options


def _signed(signer: Signer, nonce: str) -> dict[str, object]:
    from nacl.bindings import crypto_sign

    signature = crypto_sign(nonce.encode(), signer.secret)[:SIGNATURE_BYTES]
    proof: dict[str, object] = {"sig": base64.urlsafe_b64encode(signature).rstrip(b"=").decode()}
    return proof | ({"jwt": signer.jwt} if signer.jwt else {"nkey": signer.public})


def barrier(link: socket.socket) -> None:
    """Return once the server has processed everything sent so far. LoadError on `-ERR`.

    Only for connections without pending deliveries: they would be lost here.
    """
    try:
        link.sendall(b"PING\r\n")
        for line in _lines(link):
            if line.startswith(b"PONG"):
                return
            if line.startswith(b"-ERR"):
                raise LoadError(line.decode("latin-1").strip())
            if line.startswith(b"PING"):
                link.sendall(b"PONG\r\n")
    except OSError as error:
        raise LoadError(f"the connection failed: {error}") from None
    raise LoadError("the server closed the connection")


def _lines(link: socket.socket) -> Iterator[bytes]:
    rest = b""
    while chunk := link.recv(65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def subscribe(link: socket.socket, subjects: Iterable[str], queue: str = "") -> None:
    """Subscribe to all `subjects` (sids from 1) and wait until the server knows them."""
    group = f" {queue}" if queue else ""
    pending = bytearray()
    try:
        for sid, subject in enumerate(subjects, 1):
            pending += f"SUB {subject}{group} {sid}\r\n".encode()
            if len(pending) > SUBSCRIBE_CHUNK_BYTES:
                link.sendall(pending)
                pending.clear()
        link.sendall(pending)
    except OSError as error:
        raise LoadError(f"the connection failed: {error}") from None
    barrier(link)


def settle(link: socket.socket, commands: bytes) -> bytes:
    """Sends commands and returns what came until the server had seen them. LoadError on `-ERR`.

    What came belongs to whoever reads on: deliveries of a subscription may be among it.
    """
    seen = StreamCounter(b"MSG ", careful=True)
    came = bytearray()
    try:
        link.sendall(commands + b"PING\r\n")
        while not seen.pongs:
            if not (chunk := link.recv(65_536)):
                raise LoadError("the server closed the connection")
            came += chunk
            seen.feed(chunk)
    except OSError as error:
        raise LoadError(f"the connection failed: {error}") from None
    except ValueError as error:
        raise LoadError(str(error)) from None
    return bytes(came)


def request(link: socket.socket, subject: str, payload: bytes) -> tuple[bytes, bytes]:
    """(header block or b"", payload) of the first answer. LoadError on `-ERR` or silence.

    Only for connections without other pending deliveries.
    """
    inbox = f"_INBOX.{secrets.token_hex(8)}"
    frame = f"SUB {inbox} 1000\r\nUNSUB 1000 1\r\nPUB {subject} {inbox} {len(payload)}\r\n"
    try:
        link.sendall(frame.encode() + payload + b"\r\n")
        with link.makefile("rb") as stream:
            while line := stream.readline():
                fields = line.split()
                if line.startswith(b"MSG "):
                    return b"", _payload(stream, int(fields[-1]))
                if line.startswith(b"HMSG "):
                    whole = _payload(stream, int(fields[-1]))
                    return whole[: int(fields[-2])], whole[int(fields[-2]) :]
                if line.startswith(b"-ERR"):
                    raise LoadError(line.decode("latin-1").strip())
                if line.startswith(b"PING"):
                    link.sendall(b"PONG\r\n")
    except OSError as error:
        raise LoadError(f"{subject}: the connection failed: {error}") from None
    raise LoadError("the server closed the connection")


def _payload(stream: BinaryIO, size: int) -> bytes:
    """The payload of a delivery whose control line has been read."""
    whole = stream.read(size + 2)
    if len(whole) != size + 2:
        raise LoadError("the server closed the connection")
    return whole[:size]
