"""Traces are compressed as the message asks for (`Accept-Encoding`)."""

from __future__ import annotations

import zlib
from typing import Final

from pynats_server.jetstream.store.format.s2 import encode_chunks
from pynats_server.work import Work

ACCEPT: Final = b"Accept-Encoding"
PIECE: Final = 1 << 13
"""Bytes that gzip takes before a rest, about 0.2 ms."""
SNAPPY_PIECE: Final = 1 << 16
"""The same of Snappy: one chunk."""
_SNAPPY_START: Final = b"\xff\x06\x00\x00sNaPpY"
_GZIP: Final = 16 + zlib.MAX_WBITS


def encoding_of(headers: dict[bytes, list[bytes]]) -> str:
    """`gzip`, `snappy`, `identity` for what nobody knows here, or nothing when nothing is asked."""
    asked = headers.get(ACCEPT, [b""])[0].lower()
    if not asked:
        return ""
    if b"snappy" in asked or b"s2" in asked:
        return "snappy"
    return "gzip" if b"gzip" in asked else "identity"


def encode(data: bytes, encoding: str) -> Work[bytes]:
    """The same, compressed."""
    if encoding == "gzip":
        return (yield from _gzip(data))
    if encoding == "snappy":
        return (yield from _snappy(data))
    return data


def _gzip(data: bytes) -> Work[bytes]:
    packer = zlib.compressobj(wbits=_GZIP)
    parts = []
    for at in range(0, len(data), PIECE):
        parts.append(packer.compress(data[at : at + PIECE]))
        yield
    return b"".join([*parts, packer.flush()])


def _snappy(data: bytes) -> Work[bytes]:
    parts = [_SNAPPY_START]
    for at in range(0, len(data), SNAPPY_PIECE):
        parts.append(encode_chunks(data[at : at + SNAPPY_PIECE]))
        yield
    return b"".join(parts)
