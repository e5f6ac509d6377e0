"""The client listener, and how addresses are written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from pynats_server.core.engine import Listener
from pynats_server.server.state import ServerState

BACKLOG = 4096  # connections the kernel keeps waiting
REST_S = 0.01  # without accepting, after an error that time may cure

Accept = Callable[[socket.socket, Sequence[object]], None]


class ListenError(Exception):
    """The address cannot be listened on; the text says which and why."""


class ClientListener:
    """The socket that clients connect to: bound first, opened when everything else is ready."""

    def __init__(self, state: ServerState, on_accept: Accept) -> None:
        self._state = state
        self._on_accept = on_accept
        self._bound: socket.socket | None = None
        self._listener: Listener | None = None

    def bind(self) -> None:
        """Takes the configured address and tells the state its port. Raises ListenError."""
        options = self._state.options
        self._bound = _bind(options.host, max(0, options.port))
        self._state.client_port = self._bound.getsockname()[1]

    def open(self) -> None:
        """Accepts from here on."""
        assert self._bound is not None
        bound, self._bound = self._bound, None
        self._listener = Listener(
            self._state.engine, bound, self._on_accept, self._on_accept_failed
        )

    def close(self) -> None:
        """Accepts nobody any more; connections stay. Idempotent."""
        if self._bound is not None:
            self._bound.close()
            self._bound = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _on_accept_failed(self, error: OSError) -> None:
        """Out of descriptors and the like: rests for a moment."""
        self._state.log.error(f"Temporary Client Accept Error ({error.strerror}), sleeping 10ms")
        listener = self._listener
        if listener is not None:
            listener.pause()
            asyncio.get_running_loop().call_later(REST_S, self._wake, listener)

    def _wake(self, listener: Listener) -> None:
        if listener is self._listener:
            listener.resume()


def _bind(host: str, port: int) -> socket.socket:
    try:
        address = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:  # a name that cannot even be looked up
        why = getattr(error, "strerror", None) or "no such host"
        reason = f"listen tcp: lookup {host}: {why.lower()}"
        raise ListenError(
            f'Error listening on port: {host_port(host, port)}, "{reason}"'
        ) from error
    sock = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address[4])
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        reason = (error.strerror or str(error)).lower()
        listen = f"listen tcp {host_port(host, port)}: bind: {reason}"
        raise ListenError(
            f"Error listening on port: {host_port(host, port)}, {listen!r}".replace("'", '"')
        ) from error
    return sock


def host_port(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    host = host.strip("[]")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """Where a listener on `host` can be reached from this machine: wildcard addresses can be
    listened on, but not connected to."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host)
