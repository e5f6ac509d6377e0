"""Where sockets listen, and who the peer of one is."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Final

WILDCARDS: Final = frozenset(("", "0.0.0.0", "::"))
_MAPPED: Final = "::ffff:"
_WITHOUT_IPV6: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


def listening(host: str, port: int, backlog: int) -> socket.socket:
    """A socket that listens. Every wildcard stands for the addresses of both families: clients ask
    for `localhost` in the one or the other. Raises OSError."""
    host = host.strip("[]")
    if host not in WILDCARDS:
        return _listening(*_resolved(host, port), backlog)
    try:
        return _listening(socket.AF_INET6, ("::", port), backlog)
    except OSError as error:
        if error.errno not in _WITHOUT_IPV6:
            raise
    return _listening(socket.AF_INET, ("0.0.0.0", port), backlog)


async def listening_soon(host: str, port: int, backlog: int) -> socket.socket:
    """The same; a name is looked up in a thread. Raises OSError."""
    host = host.strip("[]")
    if _is_name(host):
        return _listening(*await asyncio.to_thread(_resolved, host, port), backlog)
    return listening(host, port, backlog)


def _is_name(host: str) -> bool:
    literal = host.isascii() and (":" in host or host.replace(".", "").isdecimal())
    return host not in WILDCARDS and not literal


def _resolved(host: str, port: int) -> tuple[int, tuple[object, ...]]:
    name: str | bytes = host
    if not _is_name(host):
        name = host.encode()  # as text it would have the tables of IDNA loaded
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return found[0][0], found[0][4]


def _listening(family: int, address: tuple[object, ...], backlog: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            both = address[0] == "::"
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
        sock.bind(address)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def plain(host: str) -> str:
    """An IPv4 address as such, which a listener for both families shows as one of IPv6."""
    return host.removeprefix(_MAPPED) if host.startswith(_MAPPED) and "." in host else host
