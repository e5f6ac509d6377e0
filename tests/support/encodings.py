"""Payloads that a server has compressed."""

from __future__ import annotations

import gzip

from pynats_common import s2

MOST = 1 << 24  # bytes


def unpacked(headers: bytes, payload: bytes) -> bytes:
    """What is in a payload, by the Content-Encoding of its header block."""
    if b"Content-Encoding: snappy" in headers:
        return s2.decode_stream(payload, MOST)
    return gzip.decompress(payload) if b"Content-Encoding: gzip" in headers else payload
