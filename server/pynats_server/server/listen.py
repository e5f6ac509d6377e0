"""The client listener, and how addresses are written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from pynats_common.go.errno import error_text
from pynats_common.go.quoting import quote
from pynats_common.network.urls import host_port

from pynats_server.core.sockets.address import listening
from pynats_server.core.sockets.listener import Listener
from pynats_server.server.state import ServerState

BACKLOG = 4096  # connections that wait in the kernel
REST_S = 0.01  # pause in accepting after a temporary error

Accept = Callable[[socket.socket, Sequence[object]], None]


class ListenError(Exception):
    """Listening failed; the text names the address and the reason."""


class ClientListener:
    """The socket that clients connect to: bound first, but accepts only when everything is
    ready."""

    def __init__(self, state: ServerState, on_accept: Accept) -> None:
        self._state = state
        self._on_accept = on_accept
        self._bound: socket.socket | None = None
        self._listener: Listener | None = None

    def bind(self) -> None:
        """Binds the configured address and sets the port in the state. Raises ListenError."""
        options = self._state.options
        self._bound = _bind(options.host, max(0, options.port))
        self._state.client_port = self._bound.getsockname()[1]

    def open(self) -> None:
        """Starts accepting."""
        assert self._bound is not None
        bound, self._bound = self._bound, None
        self._listener = Listener(
            self._state.engine, bound, self._on_accept, self._on_accept_failed
        )

    def close(self) -> None:
        """Stops accepting; connections stay open. Idempotent."""
        if self._bound is not None:
            self._bound.close()
            self._bound = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _on_accept_failed(self, error: OSError) -> None:
        """Pauses after an error such as too few descriptors."""
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
        return listening(host, port, BACKLOG)
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: the host name is invalid
        raise _refused(host, port, f"listen tcp: lookup {host}: {error_text(error)}") from error
    except OSError as error:
        reason = f"listen tcp {host_port(host, port)}: bind: {error_text(error)}"
        raise _refused(host, port, reason) from error


def _refused(host: str, port: int, reason: str) -> ListenError:
    return ListenError(f"Error listening on port: {host_port(host, port)}, {quote(reason)}")


def reachable(host: str) -> str:
    """The address of a listener on `host` for clients on this machine: they cannot connect to a
    wildcard address."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host)


def client_url(state: ServerState) -> str:
    """Where clients connect, e.g. `nats://127.0.0.1:4222`."""
    scheme = "nats" if state.options.tls is None else "tls"
    return f"{scheme}://{host_port(reachable(state.options.host), state.client_port)}"


def monitor_url(state: ServerState) -> str:
    """Where monitoring answers; empty when it is off."""
    host = reachable(state.options.http_host or state.options.host)
    if state.https_port:
        return f"https://{host_port(host, state.https_port)}"
    return f"http://{host_port(host, state.http_port)}" if state.http_port else ""
