"""A client that knows nothing of the protocol: bytes out, bytes in, and when the peer closed."""

from __future__ import annotations

import re
import select
import socket

from tests.support.deadline import Deadline

READ_SIZE = 1 << 16
QUIET_S = 0.1  # nothing for so long after an unfenced write: the server has nothing to say
CLOSE_WAIT_S = 0.3
FENCE = b"PING\r\n"
_PONG_LINE = re.compile(rb"(?<![^\n])PONG\r\n")
_PING_LINE = re.compile(rb"(?<![^\n])PING", re.IGNORECASE)


class RawClient:
    """One TCP connection to 127.0.0.1:`port`.

    `received` holds every byte the server sent; `closed` is true once the server ended the
    connection. Writing to a closed connection is not an error here: scripts go on regardless.
    """

    def __init__(self, port: int, timeout_s: float = 5.0, rcvbuf: int | None = None) -> None:
        self.port = port
        self.timeout_s = timeout_s
        self.received = bytearray()
        self.closed = False
        self.finished = False
        self.timed_out = False
        self._pongs_due = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if rcvbuf is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.socket.settimeout(timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes, pongs: int | None = None) -> None:
        """Send all of `data`; silently drops it when the server has closed.

        `pongs` is how many PONGs it causes where counting lines that begin with PING misleads.
        """
        self._pongs_due += len(_PING_LINE.findall(data)) if pongs is None else pongs
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self.closed:
            return
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            # What the server said before is still in our receive queue.
            return

    def read_some(self, timeout_s: float) -> bool:
        """Read once, waiting at most `timeout_s`; false when nothing came or the peer closed."""
        if self.closed:
            return False
        poller = select.poll()  # unlike select(), good for any number of files
        poller.register(self.socket, select.POLLIN)
        if not poller.poll(timeout_s * 1000):
            return False
        try:
            data = self.socket.recv(READ_SIZE)
        except ConnectionResetError:
            data = b""
        if not data:
            self.closed = True
            return False
        self.received += data
        return True

    def read_until(self, pattern: bytes, timeout_s: float | None = None) -> bool:
        """Read until `pattern` is among the received bytes; false on close or time-out."""
        deadline = Deadline(self.timeout_s if timeout_s is None else timeout_s)
        while pattern not in self.received:
            if not self.read_some(deadline.remaining()) and (self.closed or deadline.passed):
                return pattern in self.received
        return True

    def read_info(self) -> bytes:
        """The greeting, up to and with its line end."""
        self.read_until(b"\r\n")
        return bytes(self.received)

    def fence(self) -> None:
        """Send a PING and read until every PING sent so far is answered, or the peer closed.

        A server that answers fewer is noticed after `timeout_s` and noted in `timed_out`.
        """
        if self.closed:
            return
        self._pongs_due += 1
        self._write(FENCE)
        deadline = Deadline(self.timeout_s)
        while len(_PONG_LINE.findall(self.received)) < self._pongs_due:
            if not self.read_some(deadline.remaining()):
                if self.closed:
                    return
                if deadline.passed:
                    self.timed_out = True
                    return

    def read_to_end(self, timeout_s: float | None = None) -> bool:
        """Read until the peer closes; false when it did not in time."""
        deadline = Deadline(self.timeout_s if timeout_s is None else timeout_s)
        while not self.closed and not deadline.passed:
            self.read_some(deadline.remaining())
        return self.closed

    def settle(self) -> None:
        """Read what the server says without being asked: until it closes or falls silent.

        An error at the end is usually followed by a close, which is then given more time.
        """
        while not self.closed:
            in_error = self.received.rfind(b"-ERR") > self.received.rfind(b"PONG\r\n")
            if not self.read_some(CLOSE_WAIT_S if in_error else QUIET_S):
                return

    def finish(self) -> None:
        """Half-close and read what is still to come."""
        self.finished = True
        if not self.closed:
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the peer was faster
            if not self.read_to_end():
                self.timed_out = True
        self.close()
