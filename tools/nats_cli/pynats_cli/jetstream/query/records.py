"""A message of a stream, of which only what is asked for is decoded."""

from __future__ import annotations

import json
import re
from typing import Any

from pynats_common.go.times import format_time_ns, parse_instant_ns

from pynats_cli.connect.natspy.batches import Message

# What a direct get adds behind the headers that the message has.
_ADDED = re.compile(
    rb"Nats-Stream: [^\r]*\r\nNats-Subject: ([^\r]*)\r\nNats-Sequence: (\d+)\r\n"
    rb"Nats-Time-Stamp: ([^\r]*)\r\n(?:Nats-Num-Pending: (\d+)\r\n)?"
)
_NOT_YET = object()
_NOT_JSON = object()


class Record:
    """One message. `pending` is how many follow it, as far as the server has said."""

    # No cached properties: until Python 3.12 each takes a lock, longer than the work itself.
    __slots__ = (
        "_decoded",
        "_head",
        "_headers",
        "_subject",
        "_time",
        "body",
        "pending",
        "sequence",
    )

    def __init__(
        self,
        sequence: int,
        subject: bytes,
        time: bytes | int,
        head: bytes,
        body: bytes,
        pending: int = 0,
    ) -> None:
        self.sequence = sequence
        self.body = body
        self.pending = pending
        self._subject = subject
        self._time = time
        self._head = head
        self._headers: list[tuple[str, str]] | None = None
        self._decoded: Any = _NOT_YET

    @property
    def subject(self) -> str:
        return self._subject.decode("utf-8", "replace")

    @property
    def time_ns(self) -> int:
        if not isinstance(self._time, int):
            self._time = parse_instant_ns(self._time.decode())
        return self._time

    @property
    def time_text(self) -> str:
        """RFC 3339, in UTC."""
        if isinstance(self._time, int):
            return format_time_ns(self._time)
        return self._time.decode()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names and values, in their order."""
        if self._headers is None:
            pairs = self._headers = []
            for line in self._head.split(b"\r\n")[1:]:
                name, colon, value = line.partition(b":")
                if colon:
                    pairs.append((name.decode("utf-8", "replace"), _text(value)))
        return self._headers

    @property
    def data(self) -> Any:
        """The body as JSON, as text if it is none, None if it is neither."""
        found = self._json()
        if found is not _NOT_JSON:
            return found
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            return None

    def _json(self) -> Any:
        if self._decoded is _NOT_YET:
            try:
                self._decoded = json.loads(self.body)
            except (ValueError, RecursionError):
                self._decoded = _NOT_JSON
        return self._decoded

    @property
    def is_json(self) -> bool:
        return self._json() is not _NOT_JSON


def _text(value: bytes) -> str:
    return value.strip().decode("utf-8", "replace")


def from_direct(raw: Message) -> Record | None:
    """What a direct get has sent; None for a line of status."""
    found = _ADDED.search(raw.head)
    if found is None:
        return None
    head = raw.head[: found.start()]
    return Record(int(found[2]), found[1], found[3], head, raw.body, int(found[4] or 0))


def from_delivery(raw: Message) -> Record | None:
    """What a consumer has delivered; None for a line of status."""
    tokens = raw.reply.split(b".") if raw.reply else []
    if len(tokens) < 9 or tokens[1] != b"ACK":
        return None
    # Domain and account stand in front in newer subjects, and something random behind.
    last = tokens[4:9] if len(tokens) == 9 else tokens[6:11]
    return Record(int(last[1]), raw.subject, int(last[3]), raw.head, raw.body, int(last[4]))
