"""Connecting to a server through a SOCKS5 proxy (RFC 1928), with or without a login (RFC 1929).

The proxy resolves the server's name. TLS runs through it, from us to the server.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from nats import errors as nats_errors

DEFAULT_PORT = 1080
_SCHEMES = ("socks5", "socks5h")

_VERSION = 5
_NO_LOGIN, _USER_AND_PASSWORD = 0, 2
_LOGIN_VERSION = 1
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_ADDRESS_BYTES = {_IPV4: 4, _IPV6: 16}
_PORT_BYTES = 2
_TEXT_MAX = 255
"""Longest user, password or host name that fits the protocol's lengths of one byte."""

_REFUSALS = {
    1: "general failure",
    2: "connection not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class SocksError(nats_errors.Error):  # type: ignore[misc]
    """The proxy does not take us, or does not reach the server."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"nats: socks proxy: {reason}")


@dataclass(frozen=True)
class SocksProxy:
    """The address of a proxy, and a login for it; the representation hides it."""

    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def parse_socks_proxy(text: str) -> SocksProxy:
    """The proxy of `socks5://[user:password@]host[:port]`. Raises ValueError, without the login."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("socks proxy: invalid URL") from None
    if "://" not in text or parts.scheme not in _SCHEMES:
        raise ValueError("socks proxy: the URL must be socks5://[user:password@]host[:port]")
    if not parts.hostname:
        raise ValueError("socks proxy: host is missing")
    proxy = SocksProxy(
        parts.hostname,
        DEFAULT_PORT if port is None else port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
    if max(len(proxy.user.encode()), len(proxy.password.encode())) > _TEXT_MAX:
        raise ValueError(f"socks proxy: user and password have at most {_TEXT_MAX} bytes")
    return proxy


async def open_through(
    proxy: SocksProxy, host: str, port: int, limit: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to `host` that the proxy opens; `limit` is the reader's buffer in bytes.

    Raises SocksError.
    """
    try:
        streams = await asyncio.open_connection(proxy.host, proxy.port, limit=limit)
    except OSError as error:
        raise SocksError(f"cannot connect: {error.strerror or error}") from None
    try:
        await ask_for(proxy, host, port, *streams)
    except asyncio.IncompleteReadError:
        streams[1].close()
        raise SocksError("the connection was closed") from None
    except BaseException:
        streams[1].close()
        raise
    return streams


async def ask_for(
    proxy: SocksProxy, host: str, port: int, reader: asyncio.StreamReader, writer: Any
) -> None:
    """Lets the proxy connect to `host`: what follows in the streams is the server's.

    Raises SocksError, and IncompleteReadError when the proxy closes the connection.
    """
    methods = [_NO_LOGIN, _USER_AND_PASSWORD] if proxy.user else [_NO_LOGIN]
    writer.write(bytes([_VERSION, len(methods), *methods]))
    version, method = await reader.readexactly(2)
    if version != _VERSION:
        raise SocksError("it does not speak SOCKS5")
    if method == _USER_AND_PASSWORD and proxy.user:
        await _log_in(proxy, reader, writer)
    elif method != _NO_LOGIN:
        raise SocksError("it asks for another login")
    writer.write(bytes([_VERSION, _CONNECT, 0, *_address(host), *port.to_bytes(2, "big")]))
    version, reply, _, kind = await reader.readexactly(4)
    if reply:
        raise SocksError(_REFUSALS.get(reply, f"unknown failure {reply}"))
    if version != _VERSION or kind not in (_IPV4, _NAME, _IPV6):
        raise SocksError("it does not speak SOCKS5")
    length = (await reader.readexactly(1))[0] if kind == _NAME else _ADDRESS_BYTES[kind]
    await reader.readexactly(length + _PORT_BYTES)


async def _log_in(proxy: SocksProxy, reader: asyncio.StreamReader, writer: Any) -> None:
    user, password = proxy.user.encode(), proxy.password.encode()
    writer.write(bytes([_LOGIN_VERSION, len(user), *user, len(password), *password]))
    _, failed = await reader.readexactly(2)
    if failed:
        raise SocksError("user or password is wrong")


def _address(host: str) -> bytes:
    """A host as the protocol writes it: IP addresses in binary, names as they are."""
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        name = host.encode("idna") if not host.isascii() else host.encode()
        if len(name) > _TEXT_MAX:
            raise SocksError("the server's name is too long") from None
        return bytes([_NAME, len(name), *name])
    return bytes([_IPV4 if len(packed) == _ADDRESS_BYTES[_IPV4] else _IPV6, *packed])
