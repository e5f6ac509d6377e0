"""A slow and simple parser of client bytes: the oracle for `core.protocol.wire`."""

from __future__ import annotations

import dataclasses
import re

VERBS = ("CONNECT", "PUB", "HPUB", "SUB", "UNSUB", "PING", "PONG", "INFO", "+OK", "-ERR")
BARE = ("PING", "PONG", "+OK")  # bytes after them are ignored
SLACK = 1024  # spaces and ignored bytes that an incomplete line may have above the limit

Message = tuple[bytes, bytes, bytes, bytes]


@dataclasses.dataclass(frozen=True)
class Seen:
    """One frame, or the reason why there is none. `message` is (subject, reply, headers,
    payload)."""

    outcome: str
    verb: str = ""
    args: bytes = b""
    length: int = 0  # of the frame; with "more" the needed length, 0 = unknown
    message: Message | None = None


def _verb(data: bytes) -> str | None:
    """The verb at the start of data, "" if it is incomplete, None if there is none."""
    text = data[:8].upper()
    for verb in VERBS:
        if text.startswith(verb.encode()):
            return verb
    return "" if any(verb.encode().startswith(text) for verb in VERBS) else None


def _number(word: bytes) -> int | None:
    return int(word) if re.fullmatch(rb"[0-9]{1,9}", word) else None


def read_frame(data: bytes, max_control_line: int, max_payload: int) -> Seen:
    """The frame at the start of data."""
    verb = _verb(data)
    if verb is None:
        return Seen("unknown")
    if not verb:
        return Seen("more")
    rest = data[len(verb) :]
    line, newline, payload = rest.partition(b"\n")
    line_len = len(verb) + len(line) + 1
    if verb in BARE:
        return Seen("frame", verb, b"", line_len) if newline else Seen("skip", verb)
    if rest and rest[:1] not in (b" ", b"\t") and verb not in ("CONNECT", "INFO"):
        return Seen("unknown", verb)
    args = line.lstrip(b" \t")
    args = args.removesuffix(b"\r")
    if len(args) > max_control_line:
        return Seen("line too long", verb)
    if not newline:
        too_long = len(data) > max_control_line + SLACK
        return Seen("line too long" if too_long else "more", verb)
    if verb not in ("PUB", "HPUB"):
        return Seen("frame", verb, args, line_len)
    words = [word for word in re.split(rb"[ \t]+", args) if word]
    sizes = 2 if verb == "HPUB" else 1
    if len(words) - sizes not in (1, 2):
        return Seen("bad arguments", verb)
    numbers = [_number(word) for word in words[-sizes:]]
    total, header = numbers[-1], numbers[0] if sizes == 2 else 0
    if total is None or header is None or header > total:
        return Seen("bad size", verb)
    if 0 <= max_payload < total:
        return Seen("too large", verb)
    end, length = payload[total : total + 2], line_len + total + 2
    if len(end) < 2 and end in (b"", b"\r"):
        return Seen("more", verb, b"", length)
    if end != b"\r\n":
        return Seen("unknown", verb)
    reply = words[1] if len(words) - sizes == 2 else b""
    message = (words[0], reply, payload[:header], payload[header:total])
    return Seen("frame", verb, args, length, message)
