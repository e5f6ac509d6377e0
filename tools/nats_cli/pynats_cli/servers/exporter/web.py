"""Serves one page over HTTP or HTTPS, from threads of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pynats_cli.errors import CliError

PATH = "/metrics"
TYPE = "text/plain; version=0.0.4; charset=utf-8"
CLIENTS_MAX = 64
"""Connections at once; who comes then is turned away."""
_CLIENT_TIMEOUT_S = 30.0
_REQUEST_S = 120.0  # for a connection, whatever it does


@contextmanager
def served(
    port: int, page: Callable[[], bytes], key: str = "", certificate: str = ""
) -> Iterator[str]:
    """Serves while in use; gives the URL. `page` is called in a thread of its own for each
    request. Raises CliError."""
    try:
        server = _Server(("", port), _handler(page))
    except OSError as error:
        raise CliError(f"cannot listen on port {port}: {error.strerror}") from None
    try:
        scheme = "http"
        if key or certificate:
            scheme = "https"
            server.socket = _tls(key, certificate).wrap_socket(
                # The handshake is the client's thread's business, not that of the one accepting.
                server.socket, server_side=True, do_handshake_on_connect=False,
            )  # fmt: skip
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{scheme}://0.0.0.0:{server.server_address[1]}{PATH}"
        finally:
            server.shutdown()
            thread.join()
    finally:
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._places = threading.BoundedSemaphore(CLIENTS_MAX)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads
            self._places.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # A client that sends or takes byte by byte is never idle.
        end = threading.Timer(_REQUEST_S, _cut, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away, or speak something else: nobody is told."""


def _cut(connection: Any) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _tls(key: str, certificate: str) -> ssl.SSLContext:
    if not (key and certificate):
        raise CliError("--https-key and --https-certificate are needed together")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(Path(certificate), Path(key))
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error)
        raise CliError(f"cannot use {certificate} with {key}: {reason}") from None
    return context


def _handler(page: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_TIMEOUT_S
        server_version = "pynats"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != PATH:
                self.send_error(404)
                return
            try:
                body = page()
            except Exception as error:  # of whatever kind: the page is not there
                self.send_error(500, explain=f"{type(error).__name__}: {error}")
                return
            self.send_response(200)
            self.send_header("Content-Type", TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes come every few seconds; they are not told of."""

    return Handler
