"""Ask the reference server one question at a time: JetStream API requests and publishes."""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.support.deadline import PATIENCE_S

_INBOX = b"_INBOX.oracle"


class Oracle:
    """A client of one server with JetStream; every call waits for its reply."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        self._socket.sendall(
            b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
            b"SUB " + _INBOX + b" 1\r\n"
        )

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def request(self, subject: bytes, payload: bytes = b"", headers: bytes = b"") -> bytes:
        """The reply's header block and payload, joined; `headers` is a whole block."""
        self.send(subject, payload, headers, reply=True)
        return self._reply()

    def send(
        self, subject: bytes, payload: bytes = b"", headers: bytes = b"", reply: bool = False
    ) -> None:
        """Publish without waiting; with `reply` the server may answer."""
        target = subject + b" " + _INBOX if reply else subject
        if headers:
            total = len(headers) + len(payload)
            line = b"HPUB %b %d %d\r\n" % (target, len(headers), total)
        else:
            line = b"PUB %b %d\r\n" % (target, len(payload))
        self._socket.sendall(line + headers + payload + b"\r\n")

    def _reply(self) -> bytes:
        while True:
            line = self._file.readline()
            verb = line.split(b" ", 1)[0].strip().upper()
            if verb == b"PING":
                self._socket.sendall(b"PONG\r\n")
            elif verb in (b"MSG", b"HMSG"):
                reply = self._file.read(int(line.split()[-1]))
                self._file.read(2)
                return reply
            elif verb != b"INFO":
                raise AssertionError(f"the server said {line!r}")

    def api(self, verb: str, **request: Any) -> dict[str, Any]:
        """The answer of one JetStream API request."""
        body = json.dumps(request).encode() if request else b""
        return dict(json.loads(self.request(f"$JS.API.{verb}".encode(), body)))

    def create(self, name: str, **config: Any) -> dict[str, Any]:
        """Create a stream, in memory unless told; the answer has `error` when it is refused."""
        return self.api(f"STREAM.CREATE.{name}", **{"name": name, "storage": "memory", **config})

    def publish(self, subject: str, payload: bytes = b"", headers: bytes = b"") -> dict[str, Any]:
        """The PubAck."""
        return dict(json.loads(self.request(subject.encode(), payload, headers)))

    def message(self, stream: str, seq: int) -> dict[str, Any]:
        """`{"subject", "seq", "hdrs"?, "data"?, "time"}`; hdrs and data in base 64."""
        return dict(self.api(f"STREAM.MSG.GET.{stream}", seq=seq)["message"])
