"""A small synchronous client: messages in, messages out, nothing hidden.

For suites about subjects and replies instead of bytes. No background reading: a call that waits
also reads. Replies to requests come through one wildcard inbox per connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.support.deadline import PATIENCE_S, Deadline
from tests.support.raw import RawClient

INBOX = "_INBOX.case"
_INBOX_SID = 1
_LAST_FIELDS = {b"MSG": 1, b"HMSG": 2}


class ConnectionRefused(AssertionError):
    """The server ended the connection or answered -ERR; carries the line."""


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery. `headers` is the raw block with its version line, empty without headers."""

    subject: str
    sid: int
    reply: str
    headers: bytes
    payload: bytes

    @property
    def status(self) -> int | None:
        """The number in the version line, as in `NATS/1.0 404 Message Not Found`."""
        line = self.headers.partition(b"\r\n")[0].split(b" ")
        return int(line[1]) if len(line) > 1 and line[1].isdigit() else None


class Client:
    """One connection to 127.0.0.1:`port`, logged in as `user` (no login when empty)."""

    def __init__(self, port: int, user: str = "", password: str = "", name: str = "case") -> None:
        self._raw = RawClient(port, PATIENCE_S)
        self._raw.read_info()
        self._parsed = len(self._raw.received)
        self._waiting: dict[int, list[Message]] = {}
        self._pongs = 0
        self._next_sid = _INBOX_SID
        self._requests = 0
        connect = {
            "verbose": False,
            "pedantic": False,
            "headers": True,
            "no_responders": True,
            "lang": "test",
            "version": "1.0.0",
            "protocol": 1,
            "name": name,
        }
        if user:
            connect |= {"user": user, "pass": password}
        try:
            self._raw.send(b"CONNECT " + json.dumps(connect).encode() + b"\r\n")
            self.subscribe(f"{INBOX}.>")
            self.flush()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._raw.close()

    def subscribe(self, subject: str, queue: str = "") -> int:
        """Subscribe, in a queue group when one is named, and return the sid to collect by."""
        sid = self._next_sid
        self._next_sid += 1
        self._waiting[sid] = []
        target = f"{subject} {queue}" if queue else subject
        self._raw.send(b"SUB %s %d\r\n" % (target.encode(), sid))
        return sid

    def unsubscribe(self, sid: int) -> None:
        self._raw.send(b"UNSUB %d\r\n" % sid)

    def publish(
        self, subject: str, payload: bytes = b"", headers: bytes = b"", reply: str = ""
    ) -> None:
        """Send a message; `headers` is a whole block as made by `header_block`."""
        target = subject.encode() + b" " + (reply.encode() + b" " if reply else b"")
        total = len(headers) + len(payload)
        if headers:
            line = b"HPUB %s%d %d\r\n" % (target, len(headers), total)
        else:
            line = b"PUB %s%d\r\n" % (target, total)
        self._raw.send(line + headers + payload + b"\r\n", pongs=0)

    def publish_raw(self, data: bytes) -> None:
        """Send encoded messages."""
        self._raw.send(data, pongs=0)

    def inbox(self) -> str:
        """A separate reply subject for one request; `collect_replies` gives its replies."""
        self._requests += 1
        return f"{INBOX}.{self._requests}"

    def request(
        self,
        subject: str,
        payload: bytes = b"",
        headers: bytes = b"",
        timeout_s: float = PATIENCE_S,
    ) -> Message | None:
        """The first reply; None on time-out."""
        reply = self.inbox()
        self.publish(subject, payload, headers, reply)
        return next(self.replies(reply, timeout_s), None)

    def replies(self, inbox: str, timeout_s: float = PATIENCE_S) -> Iterator[Message]:
        """Replies to `inbox` as they come; ends when the next takes longer than `timeout_s`."""
        while True:
            message = self._take(_INBOX_SID, timeout_s, inbox)
            if message is None:
                return
            yield message

    def next(self, sid: int, timeout_s: float = PATIENCE_S) -> Message | None:
        """The next message of a subscription; None on time-out."""
        return self._take(sid, timeout_s, None)

    def read_once(self, deadline: Deadline) -> None:
        """Take what comes next, waiting for it; `taken` gives it."""
        self._read(deadline)

    def taken(self, sid: int = _INBOX_SID) -> list[Message]:
        """All messages of a subscription that were read, or all replies; each is given once."""
        found = self._waiting[sid]
        if found:
            self._waiting[sid] = []
        return found

    def flush(self) -> None:
        """Return once the server has read everything sent so far."""
        due = self._pongs + 1
        self._raw.send(b"PING\r\n", pongs=0)
        deadline = Deadline(PATIENCE_S)
        while self._pongs < due:
            if not self._read(deadline):
                raise ConnectionRefused("no PONG in time")

    def _take(self, sid: int, timeout_s: float, subject: str | None) -> Message | None:
        queue = self._waiting[sid]
        deadline = Deadline(timeout_s)
        while True:
            for index, message in enumerate(queue):
                if subject is None or message.subject == subject:
                    return queue.pop(index)
            if not self._read(deadline):
                return None

    def _read(self, deadline: Deadline) -> bool:
        """Read once and sort complete messages; false on time-out."""
        self._raw.read_some(deadline.remaining())
        self._sort()
        if self._raw.closed:
            raise ConnectionRefused("closed by server")
        return not deadline.passed

    def _sort(self) -> None:
        received = self._raw.received
        while (end := received.find(b"\r\n", self._parsed)) >= 0:
            line = bytes(received[self._parsed : end])
            verb, _, rest = line.partition(b" ")
            start = end + 2
            if verb in _LAST_FIELDS:
                fields = rest.split()
                sizes = [int(field) for field in fields[-_LAST_FIELDS[verb] :]]
                total = sizes[-1]
                if len(received) < start + total + 2:
                    break
                block = sizes[0] if verb == b"HMSG" else 0
                body = bytes(received[start : start + total])
                names = fields[: -len(sizes)]
                self._waiting[int(names[1])].append(
                    Message(
                        names[0].decode(),
                        int(names[1]),
                        names[2].decode() if len(names) > 2 else "",
                        body[:block],
                        body[block:],
                    )
                )
                start += total + 2
            elif verb == b"PONG":
                self._pongs += 1
            elif verb == b"-ERR":
                raise ConnectionRefused(line.decode())
            elif verb == b"PING":
                self._raw.send(b"PONG\r\n", pongs=0)
            self._parsed = start
        if self._parsed > 1 << 20:
            del received[: self._parsed]
            self._parsed = 0


def header_block(headers: dict[str, str]) -> bytes:
    """A header block as clients write it, values as given."""
    return header_lines(f"{name}: {value}" for name, value in headers.items())


def header_lines(lines: Iterable[str]) -> bytes:
    """A header block of lines as they are, whether these are headers or not."""
    return "\r\n".join(("NATS/1.0", *lines, "", "")).encode()
