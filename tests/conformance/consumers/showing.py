"""Messages and JSON as lines of a transcript, with what varies from run to run masked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.support.client import Message

Body = bytes | str | Mapping[str, Any] | None

_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_ZERO_TIME = "0001-01-01T00:00:00Z"
_NUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{22}(?![0-9A-Za-z])")
_ACK = re.compile(
    r"\$JS\.ACK(?P<place>\.[^.]+\.[^.]+)??\.(?P<stream>[^.]+)\.(?P<consumer>[^.]+)"
    r"\.(?P<count>\d+)\.(?P<seq>\d+)\.(?P<delivery>\d+)\.\d{19}\.(?P<left>\d+)"
)
_FLOW = re.compile(r"(\$JS\.FC(?:\.[^. ]+){2,4}\.)[0-9A-Za-z]{4}(?![0-9A-Za-z.])")
_NS = re.compile(r"(?<!\d)1[789]\d{17}(?!\d)")  # times of an ack's subject
_ORIGIN = re.compile(r"(Nats-Stream-Source: [^;]* )[0-9A-Za-z]{8}(?=$|;)")
_MASKED = {"id", "ack_time", "pause_remaining", "delay"}
_LEFT_OUT = {"client"}  # who asked; another suite's
_LONGEST = 60


def shown_message(message: Message) -> str:
    """A delivery in one line. Of the reply subject of an ack its numbers: the stream sequence,
    the consumer's, the deliveries, and how many are left."""
    if message.payload.startswith(b"{") and not message.headers and not message.reply:
        return f"{masked(message.subject)} {shown_json(message.payload)}"
    parts = []
    if message.headers:
        parts.append(shown_headers(message.headers))
    if message.payload or not message.headers:
        parts.append(shown_payload(message.payload))
    ack = _ACK.fullmatch(message.reply)
    if ack is not None:
        place, stream, consumer, count, stream_seq, consumer_seq, left = ack.groups()
        named = "" if (stream, consumer) == ("S", "C") else f" of {stream}.{consumer}"
        if place:
            named += f" in {place[1:]}"
        parts.append(f"#{stream_seq}{named} (c{consumer_seq}, delivery {count}, {left} left)")
    elif message.reply:
        parts.append(f"reply {masked(message.reply)}")
    return " ".join(parts)


def shown_headers(block: bytes) -> str:
    """The lines of a header block; the version line only where it carries a status."""
    text = block.decode("latin-1")
    if not text.endswith("\r\n\r\n"):
        return repr(text)
    first, *lines = text[:-4].split("\r\n")
    first = first.removeprefix("NATS/1.0").strip()
    shown = masked("; ".join(([first] if first else []) + lines))
    return "[" + _ORIGIN.sub(r"\1<8>", shown) + "]"


def shown_payload(payload: bytes) -> str:
    text = payload.decode("latin-1")
    if len(text) > _LONGEST:
        return f'"{text[:8]}…" of {len(text)} bytes'
    return json.dumps(text)


def shown_json(payload: bytes) -> str:
    """A JSON object with sorted names."""
    return json.dumps(masked_json(json.loads(payload)), sort_keys=True)


def masked_json(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: masked_json(value[name], name) for name in sorted(value.keys() - _LEFT_OUT)}
    if isinstance(value, list):
        return [masked_json(item, key) for item in value]
    if key in _MASKED and value:
        return f"<{key}>"
    return masked(value) if isinstance(value, str) else value


def masked(text: str) -> str:
    """`text` without times, ids and the tokens of flow control."""
    text = _TIME.sub(lambda match: match[0] if match[0] == _ZERO_TIME else "<time>", text)
    text = _NS.sub("<time>", text)
    return _FLOW.sub(r"\1<id>", _NUID.sub("<id>", text))


def ack_place(reply: str) -> tuple[str, int] | None:
    """Consumer and stream sequence of an ack's subject."""
    ack = _ACK.fullmatch(reply)
    return None if ack is None else (ack["consumer"], int(ack["seq"]))


def encoded(body: Body) -> bytes:
    """Bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(body, bytes):
        return body
    if body is None:
        return b""
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def text_of(body: Body) -> str:
    """As the transcript has it; ids that were read earlier are masked."""
    if body is None:
        return ""
    if isinstance(body, bytes):
        return repr(body)
    return masked(body if isinstance(body, str) else json.dumps(body))
