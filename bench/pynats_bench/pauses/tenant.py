"""The tenant that does its worst: a raw connection with few conveniences."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from pynats_bench.model import Endpoint, LoadError
from pynats_bench.session import connect

USER = "tenant"
CHUNK_BYTES = 1 << 18


class Tenant:
    """One connection; `family` are all of the same world, open or not. `timeout_s` bounds each wait
    for an answer."""

    def __init__(self, endpoint: Endpoint, timeout_s: float, family: list[Tenant]) -> None:
        self.endpoint = Endpoint(endpoint.host, endpoint.port, USER, USER)
        self.timeout_s = timeout_s
        self.link = connect(self.endpoint)
        self._stream = self.link.makefile("rb", CHUNK_BYTES)
        self._family = family
        family.append(self)

    def another(self) -> Tenant:
        """One more connection of the same tenant."""
        return Tenant(self.endpoint, self.timeout_s, self._family)

    def close(self) -> None:
        """Drops the connection without a word."""
        self._stream.close()
        self.link.close()

    def send(self, parts: Iterable[bytes]) -> None:
        """Sends parts joined to large chunks, without waiting for what they cause."""
        pending = bytearray()
        for part in parts:
            pending += part
            if len(pending) >= CHUNK_BYTES:
                self.link.sendall(pending)
                pending.clear()
        self.link.sendall(pending)

    def settle(self) -> None:
        """Returns when the server has handled everything that was sent."""
        self.link.sendall(b"PING\r\n")
        self._until(time.monotonic() + self.timeout_s, lambda line, _: line == b"PONG")

    def ask(self, subject: str, body: Any = None, *, until: bytes = b"") -> bytes:
        """The first answer, headers included; with `until`, the first that contains it. LoadError
        when there is none in time."""
        payload = b"" if body is None else body if isinstance(body, bytes) else _json(body)
        inbox = f"_INBOX.{secrets.token_hex(6)}"
        head = f"SUB {inbox} 9\r\nPUB {subject} {inbox} {len(payload)}\r\n".encode()
        self.link.sendall(head + payload + b"\r\n")
        try:
            return self._until(
                time.monotonic() + self.timeout_s,
                lambda line, whole: line[:1] in (b"M", b"H") and until in whole,
            )
        except TimeoutError:
            raise LoadError(f"no answer to {subject} in {self.timeout_s:g} s") from None
        finally:
            self.link.sendall(b"UNSUB 9\r\n")

    def next(self) -> tuple[bytes, str]:
        """(payload, reply subject) of the next delivery. LoadError when there is none in time."""
        lines: list[bytes] = []

        def is_delivery(line: bytes, _: bytes) -> bool:
            lines[:] = [line]
            return line.startswith((b"MSG ", b"HMSG "))

        whole = self._until(time.monotonic() + self.timeout_s, is_delivery)
        kind, *fields = lines[0].decode().split()
        headers = int(fields.pop(-2)) if kind == "HMSG" else 0
        return whole[headers:-2], fields[2] if len(fields) == 4 else ""

    def _until(self, deadline: float, wanted: Callable[[bytes, bytes], bool]) -> bytes:
        """The payload of the first control line that is wanted."""
        while True:
            self.link.settimeout(max(0.001, deadline - time.monotonic()))
            line = self._stream.readline()
            if not line:
                raise LoadError("the server closed the connection")
            line, whole = line.rstrip(), b""
            if line.startswith((b"MSG ", b"HMSG ")):
                whole = self._stream.read(int(line.split()[-1]) + 2)
            elif line == b"PING":
                self.link.sendall(b"PONG\r\n")
            elif line.startswith(b"-ERR"):
                raise LoadError(line.decode("latin-1"))
            if wanted(line, whole):
                return whole

    def create(self, name: str, **config: Any) -> None:
        """A memory stream without limits, unless `config` says otherwise. LoadError when it is
        refused."""
        usual = {"name": name, "subjects": [f"{name}.>"], "storage": "memory"}
        answer = self.ask(f"$JS.API.STREAM.CREATE.{name}", {**usual, **config})
        if b'"error"' in answer:
            raise LoadError(answer[:200].decode("utf-8", "replace"))


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()
