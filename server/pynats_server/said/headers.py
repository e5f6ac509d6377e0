"""Header blocks of what is asked, and of what is said."""

from __future__ import annotations


def value_of(block: bytes, name: bytes) -> bytes | None:
    """What the first header with exactly that name says; None without one. The same as
    `core.protocol.headers.get`, but one search instead of a walk: of a block that may be as long as
    a message, nothing else is wanted."""
    lead = b"\r\n" + name + b":"
    start = block.find(lead)
    if start < 0:
        return None
    start += len(lead)
    end = block.find(b"\r\n", start)
    return block[start : end if end >= 0 else len(block)].strip()


def content_encoding(encoding: str) -> bytes:
    """The block of what is packed in that encoding; none for what is in none."""
    return b"NATS/1.0\r\nContent-Encoding: %b\r\n\r\n" % encoding.encode() if encoding else b""
