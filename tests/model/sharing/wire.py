"""A client that sends much at once, and takes apart what it gets."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass

from tests.support.deadline import PATIENCE_S

_OPTIONS = {
    "verbose": False, "pedantic": False, "headers": True, "no_responders": False, "pass": "p",
    "protocol": 1,
}  # fmt: skip
_LINE = re.compile(
    rb"MSG (?P<plain>(\S+) (\d+) (?:(\S+) )?(\d+))\r\n"
    rb"|HMSG (?P<headed>(\S+) (\d+) (?:(\S+) )?(\d+) (\d+))\r\n"
    rb"|-ERR '(?P<complaint>.*)'\r\n|.*\r\n"
)
_ASKER = re.compile(rb"Nats-Request-Info: (.*)\r\n")


@dataclass(slots=True)
class Got:
    sid: int
    subject: str
    reply: str
    asker: dict[str, object] | None
    payload: str


class Talker:
    def __init__(self, port: int, user: str, echo: bool) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._buffer = b""
        options = _OPTIONS | {"user": user, "name": user, "echo": echo}
        self._socket.sendall(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        self.fence()

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def fence(self) -> tuple[list[Got], list[str]]:
        """All that came until the answer to a PING: messages, and complaints."""
        self._socket.sendall(b"PING\r\n")
        data = bytearray(self._buffer)
        searched = 0
        while (end := data.find(b"\nPONG\r\n", searched)) < 0 and not data.startswith(b"PONG\r\n"):
            searched = max(len(data) - 7, 0)
            chunk = self._socket.recv(1 << 18)
            if not chunk:
                raise AssertionError(f"closed: {bytes(data[-300:])!r}")
            data += chunk
        end = end + 7 if end >= 0 else 6
        self._buffer = bytes(data[end:])
        return _parsed(bytes(data[:end]))


def _parsed(data: bytes) -> tuple[list[Got], list[str]]:
    messages, complaints = [], []
    at = 0
    while at < len(data):
        line = _LINE.match(data, at)
        assert line is not None, data[at : at + 200]
        at = line.end()
        if line["complaint"]:
            complaints.append(line["complaint"].decode())
        elif line["plain"] or line["headed"]:
            words = (line["plain"] or line["headed"]).decode().split(" ")
            size = int(words[-1])
            head = int(words[-2]) if line["headed"] else 0
            found = _ASKER.search(data, at, at + head)
            reply = words[2] if len(words) == (5 if line["headed"] else 4) else ""
            asker = json.loads(found[1]) if found is not None else None
            payload = data[at + head : at + size].decode()
            messages.append(Got(int(words[1]), words[0], reply, asker, payload))
            at += size + 2
    return messages, complaints
