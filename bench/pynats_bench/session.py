"""The blocking part of a load connection: connect, handshake, subscribe, barrier."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from pynats_common.network.urls import host_port

from pynats_bench.engine.scan import StreamCounter
from pynats_bench.model import Endpoint, LoadError, Signer
from pynats_bench.secure import compared

HANDSHAKE_TIMEOUT_S = 60.0  # the reference server needs seconds to take a million subscriptions
SUBSCRIBE_CHUNK_BYTES = 65_536
SIGNATURE_BYTES = 64
EARLY_MAX = 67_108_864  # bytes; what servers hold back for a client
INFO_MAX = 1_048_576  # bytes; a cluster's addresses are a few thousand
OPTIONS: dict[str, object] = {
    "verbose": False,
    "pedantic": False,
    "headers": True,
    "no_responders": True,
    "echo": True,
    "protocol": 1,
    "lang": "pynats-bench",
    "version": "1",
}
Info = dict[str, object]


def connect(endpoint: Endpoint, *, no_echo: bool = False) -> socket.socket:
    """A connected socket past the handshake (INFO, CONNECT, PING, PONG).

    Raises LoadError when the server cannot be reached or refuses the connection.
    """
    link = reach(endpoint.host, endpoint.port, HANDSHAKE_TIMEOUT_S)
    if endpoint.bare:
        return link
    return introduce(
        link,
        lambda info: _login(endpoint, str(info.get("nonce", ""))) | {"echo": not no_echo},
        compared if endpoint.tls else None,
        listen=bool(endpoint.tls or endpoint.signer),
    )


def reach(host: str, port: int, timeout_s: float) -> socket.socket:
    """A socket that is connected, and not more. LoadError when nobody is there."""
    try:
        link = socket.create_connection((host, port), timeout_s)
    except (OSError, UnicodeError) as error:
        raise LoadError(f"cannot connect to {host_port(host, port)}: {error}") from None
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def introduce(
    link: socket.socket,
    login: Callable[[Info], dict[str, object]],
    secure: Callable[[socket.socket], socket.socket] | None = None,
    *,
    first: bool = False,
    listen: bool = True,
    otherwise: Callable[[socket.socket], socket.socket] | None = None,
) -> socket.socket:
    """The handshake on a connected socket, which is closed if it fails. LoadError says why.

    `login` makes the fields of CONNECT of what the server has said. `secure` begins TLS, with
    `first` before the server says anything; `otherwise` does where only the server insists. Without
    `listen` CONNECT does not depend on what the server says, and is sent at once.
    """
    try:
        if first and secure is not None:
            link = secure(link)
        info = _read_info(link) if listen else {}
        if listen and not first:
            offered = bool(info.get("tls_required") or info.get("tls_available"))
            if secure is not None and not offered:
                raise LoadError("the server offers no TLS")
            begin = secure or (otherwise if info.get("tls_required") else None)
            if begin is not None:
                link = begin(link)
        options = OPTIONS | login(info)
        link.sendall(b"CONNECT %s\r\n" % json.dumps(options).encode())
        _barrier(link)
    except OSError as error:
        reason = _last_words(link) or _fault(error)
        link.close()
        raise LoadError(reason) from None
    except BaseException:
        link.close()
        raise
    return link


def _fault(error: OSError) -> str:
    if isinstance(error, (BrokenPipeError, ConnectionResetError)):
        return "the server closed the connection"
    return f"the connection failed: {error}"


def _last_words(link: socket.socket) -> str:
    """What the peer had said before it closed the connection: an alert of TLS, or `-ERR`."""
    try:
        said = link.recv(65_536)
    except LoadError as error:
        return str(error)
    except OSError:
        return ""
    lines = [line for line in said.splitlines() if line.startswith(b"-ERR")]
    return lines[0].decode("latin-1") if lines else ""


def _read_info(link: socket.socket) -> Info:
    """What the server says first. It says nothing else before it is answered."""
    said, late = b"", _deadline(link)
    while b"\n" not in said:
        late()
        if not (chunk := link.recv(65_536)):
            raise LoadError("the server closed the connection")
        said += chunk
        if len(said) > INFO_MAX:
            raise LoadError("what answers is no NATS server")
    verb, _, fields = said.partition(b" ")
    if verb == b"-ERR":
        raise LoadError(said.decode("latin-1").strip())
    try:
        info = json.loads(fields) if verb == b"INFO" else None
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise LoadError("what answers is no NATS server")
    return info


def _login(endpoint: Endpoint, nonce: str) -> dict[str, object]:
    options: dict[str, object] = {}
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
        _barrier(link)
    except OSError as error:
        raise LoadError(_fault(error)) from None


def _barrier(link: socket.socket) -> None:
    link.sendall(b"PING\r\n")
    for line in _lines(link):
        if line.startswith(b"PONG"):
            return
        if line.startswith(b"-ERR"):
            raise LoadError(line.decode("latin-1").strip())
        if line.startswith(b"PING"):
            link.sendall(b"PONG\r\n")
    raise LoadError("the server closed the connection")


def _deadline(link: socket.socket) -> Callable[[], None]:
    """Raises TimeoutError, when called, once the socket's timeout is over: who says a little now
    and then keeps nobody waiting for ever."""
    timeout_s = link.gettimeout()
    end = None if timeout_s is None else time.monotonic() + timeout_s

    def check() -> None:
        if end is not None and time.monotonic() > end:
            raise TimeoutError("timed out")

    return check


def _lines(link: socket.socket) -> Iterator[bytes]:
    rest, late = b"", _deadline(link)
    while chunk := link.recv(65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > INFO_MAX:
            raise LoadError("what answers is no NATS server")
        late()


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
        raise LoadError(_fault(error)) from None
    barrier(link)


def settle(link: socket.socket, commands: bytes) -> bytes:
    """Sends commands and returns what came until the server had seen them. LoadError on `-ERR`.

    What came belongs to whoever reads on: deliveries of a subscription may be among it.
    """
    seen = StreamCounter(b"MSG ", careful=True)
    came = bytearray()
    late = _deadline(link)
    try:
        link.sendall(commands + b"PING\r\n")
        while not seen.pongs:
            if not (chunk := link.recv(65_536)):
                raise LoadError("the server closed the connection")
            came += chunk
            seen.feed(chunk)
            if len(came) > EARLY_MAX:
                raise LoadError("messages come faster than a client can begin to take them")
            late()
    except OSError as error:
        raise LoadError(_fault(error)) from None
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
        raise LoadError(f"{subject}: {_fault(error)}") from None
    raise LoadError("the server closed the connection")


def _payload(stream: BinaryIO, size: int) -> bytes:
    """The payload of a delivery whose control line has been read."""
    whole = stream.read(size + 2)
    if len(whole) != size + 2:
        raise LoadError("the server closed the connection")
    return whole[:size]
