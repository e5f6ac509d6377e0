"""Received messages of every kind, and the JetStream metadata in their reply subject."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from pynats_common.go.times import parse_time_ns

from pynats_cli.connect.headers import header_pairs


@dataclass(frozen=True)
class StreamFacts:
    """Position of a message in a stream; `time_ns` since 1970."""

    stream: str
    sequence: int
    pending: int
    time_ns: int


@dataclass(frozen=True)
class Received:
    """One message; `pattern` is its subscription, `streamed` whether that asked for a stream's."""

    subject: str
    data: bytes
    headers: tuple[tuple[str, str], ...] = ()
    reply: str = ""
    pattern: str = ""
    facts: StreamFacts | None = None
    direct: bool = False
    streamed: bool = False

    def header(self, name: str) -> str:
        """First value of a header, "" when it is absent."""
        return next((value for key, value in self.headers if key == name), "")

    def to_json(self, data: bytes) -> str:
        """The form of dumps: the message of the Go client, with `data` as its body."""
        headers: dict[str, list[str]] = {}
        for name, value in self.headers:
            headers.setdefault(name, []).append(value)
        return json.dumps(
            {
                "Subject": self.subject,
                "Reply": self.reply,
                "Header": headers or None,
                "Data": base64.b64encode(data).decode() if data else None,
                "Sub": None,
            },
            separators=(",", ":"),
            ensure_ascii=False,
        )


def from_client(message: Any, pattern: str = "", streamed: bool = False) -> Received:
    """A message from nats-py."""
    return Received(
        subject=message.subject,
        data=message.data,
        headers=tuple(header_pairs(message)),
        reply=message.reply,
        pattern=pattern,
        facts=parse_ack_subject(message.reply),
        streamed=streamed,
    )


def parse_ack_subject(reply: str) -> StreamFacts | None:
    """Metadata in `$JS.ACK...`, old and new form; None for other subjects.

    Old: $JS.ACK.stream.consumer.delivered.sseq.cseq.time.pending
    New: $JS.ACK.domain.account.stream.consumer.delivered.sseq.cseq.time.pending[.token]
    """
    tokens = reply.split(".")
    if tokens[:2] != ["$JS", "ACK"]:
        return None
    if len(tokens) == 9:
        fields = tokens[2:]
    elif len(tokens) >= 11:
        fields = tokens[4:11]
    else:
        return None
    stream, _consumer, _delivered, sequence, _consumer_sequence, time_ns, pending = fields
    if not all(text.isascii() and text.isdigit() for text in (sequence, time_ns, pending)):
        return None
    return StreamFacts(stream, int(sequence), int(pending), int(time_ns))


def from_direct_get(message: Any) -> Received:
    """A message from a direct get: the metadata is in its headers."""
    pairs = tuple(header_pairs(message))
    values = dict(pairs)
    facts = StreamFacts(
        stream=values.get("Nats-Stream", ""),
        sequence=int(values.get("Nats-Sequence", 0)),
        pending=int(values.get("Nats-Num-Pending", 0) or 0),
        time_ns=_time_ns(values.get("Nats-Time-Stamp", "")),
    )
    own = tuple((name, value) for name, value in pairs if name not in _DIRECT_HEADERS)
    return Received(
        subject=values.get("Nats-Subject", message.subject),
        data=message.data,
        headers=own,
        facts=facts,
        direct=True,
    )


_DIRECT_HEADERS = frozenset(
    {
        "Nats-Stream",
        "Nats-Subject",
        "Nats-Sequence",
        "Nats-Time-Stamp",
        "Nats-Num-Pending",
        "Nats-Last-Sequence",
        "Nats-UpTo-Sequence",
    }
)


def _time_ns(text: str) -> int:
    """Nanoseconds since 1970; 0 for any other text."""
    try:
        return parse_time_ns(text)
    except ValueError:
        return 0
