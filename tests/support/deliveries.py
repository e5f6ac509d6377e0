"""A consumer's server, played by a test: deliveries, statuses, and what a client has sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict

from pynats_bench.engine.consume import ConsumeLoop
from pynats_bench.model import LoadError

STALL_S = 30.0  # only a failure takes so long
Pair = tuple[socket.socket, socket.socket]


@contextmanager
def socket_pair() -> Iterator[Pair]:
    """(the loop's socket, the server's)"""
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    theirs.settimeout(STALL_S)
    with listener, ours, theirs:
        yield ours, theirs


def ack(sequence: int, prefix: str = "$JS.ACK.S.C") -> str:
    return f"{prefix}.1.{sequence}.{sequence}.1700000000000000000.0"


def acked(sequence: int, answer: str = "") -> bytes:
    """What acknowledges a delivery; `answer`: where the server is to confirm it."""
    return f"PUB {ack(sequence)}{' ' * bool(answer)}{answer} 4\r\n+ACK\r\n".encode()


def delivery(sequence: int, payload: bytes = b"hello", headers: bytes = b"") -> bytes:
    line = f"orders.{sequence} 1 {ack(sequence)}"
    if headers:
        total = len(headers) + len(payload)
        return f"HMSG {line} {len(headers)} {total}\r\n".encode() + headers + payload + b"\r\n"
    return f"MSG {line} {len(payload)}\r\n".encode() + payload + b"\r\n"


def status(text: str, reply: str = "") -> bytes:
    block = f"NATS/1.0 {text}\r\n\r\n".encode()
    return f"HMSG in 1 {reply}{' ' * bool(reply)}{len(block)} {len(block)}\r\n".encode() + (
        block + b"\r\n"
    )


def pull_of(messages: int) -> bytes:
    """The request that a loop with `PULL` makes."""
    body = b'{"batch":%d}' % messages
    return b"PUB NEXT in %d\r\n%s\r\n" % (len(body), body)


class Pull(TypedDict):
    pulls: list[bytes]
    before: bytes
    after: bytes


PULL: Pull = {"pulls": [b"PUB NEXT in "], "before": b'{"batch":', "after": b"}"}
END = b"UNSUB 1\r\nUNSUB 2\r\nPING\r\n"  # of a client that has its share


class Served:
    """Runs a loop against what a test says; `sent` is what the loop has sent until its PING."""

    def __init__(self, loop: ConsumeLoop, theirs: socket.socket, pieces: list[bytes]) -> None:
        with Dialogue(loop, theirs) as dialogue:
            for piece in pieces:
                theirs.sendall(piece)
            self.sent = dialogue.until(b"PING\r\n")
        self.error = dialogue.error


class Dialogue:
    """A loop that runs during the `with` block, and the server's side of what is said. Ends with
    the PONG that lets the loop end."""

    def __init__(self, loop: ConsumeLoop, theirs: socket.socket, stall_s: float = STALL_S) -> None:
        self._loop = loop
        self._theirs = theirs
        self._stall_s = stall_s
        self._thread = threading.Thread(target=self._run)
        self._heard = b""
        self.error = ""

    def __enter__(self) -> Dialogue:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self._loop.stop()
        if self._thread.is_alive():
            self._theirs.sendall(b"PONG\r\n")
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run(self._stall_s)
        except LoadError as error:
            self.error = str(error)

    def say(self, *pieces: bytes) -> None:
        self._theirs.sendall(b"".join(pieces))

    def until(self, end: bytes) -> bytes:
        """What the loop says next, to `end`."""
        while end not in self._heard and not self.error and (piece := self._theirs.recv(65536)):
            self._heard += piece
        at = self._heard.find(end)
        said, self._heard = self._heard[: at + len(end)], self._heard[at + len(end) :]
        return said

    def expect(self, said: bytes) -> None:
        """The loop says exactly this next."""
        while len(self._heard) < len(said) and (piece := self._theirs.recv(65536)):
            self._heard += piece
        assert self._heard[: len(said)] == said
        self._heard = self._heard[len(said) :]

    def ended(self) -> str:
        """Waits until the loop has ended by itself; its error."""
        self._thread.join()
        return self.error
