"""A small SOCKS5 proxy, for tests: every connection is handled in a thread of its own."""

from __future__ import annotations

import socket
import socketserver
import threading
from types import TracebackType


class SocksServer:
    """A proxy at `url`. With `user` it asks for a login. `asked` are the hosts it was asked for,
    which all lead to `target`."""

    def __init__(self, target: tuple[str, int], user: str = "", password: str = "") -> None:
        self.asked: list[tuple[str, int]] = []
        self.logins: list[tuple[str, str]] = []
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._serve(self.request)

        self._target, self._login = target, (user, password)
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> SocksServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        stream = client.makefile("rb")

        def text() -> str:
            return stream.read(stream.read(1)[0]).decode()

        assert stream.read(1) == b"\5"
        methods = stream.read(stream.read(1)[0])
        wanted = 2 if self._login[0] else 0
        client.sendall(bytes([5, wanted if wanted in methods else 255]))
        if wanted not in methods:
            return
        if wanted:
            assert stream.read(1) == b"\1"
            self.logins.append((text(), text()))
            client.sendall(bytes([1, self.logins[-1] != self._login]))
            if self.logins[-1] != self._login:
                return
        assert stream.read(3) == b"\5\1\0"
        kind = stream.read(1)[0]
        if kind == 3:
            host = text()
        else:
            family, length = _FAMILIES[kind]
            host = socket.inet_ntop(family, stream.read(length))
        self.asked.append((host, int.from_bytes(stream.read(2), "big")))
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.sendall(b"\5\5\0\1" + bytes(6))
            return
        client.sendall(b"\5\0\0\3\4name\0\1")
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        _copy(client, server)
        server.close()


_FAMILIES = {
    1: (socket.AF_INET, 4),
    4: (socket.AF_INET6, 16),
}


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side has gone, the other follows
