"""What the server says is compressed for who asks for that."""

from __future__ import annotations

import zlib
from typing import Final

from pynats_server.said.headers import value_of
from pynats_server.work import Late, Steps, Work

SNAPPY: Final = "snappy"
GZIP: Final = "gzip"
PLAIN: Final = "identity"
_STREAM: Final = b"\xff\x06\x00\x00sNaPpY"  # how a framed stream of Snappy begins
_GZIP_BITS: Final = 31  # of zlib: with gzip's head and tail
_GZIP_STEP: Final = 8 << 10  # bytes in one step: some 0.2 ms
_SNAPPY_STEP: Final = 64 << 10
_S2: Final = "pynats_common.s2"


class Codec:
    """What packs. The first import of Snappy takes a while where there is no JetStream."""

    def __init__(self) -> None:
        self._s2 = Late(_S2)

    def is_there(self, encoding: str) -> bool:
        """Whether `encode` may be called on the loop."""
        return encoding != SNAPPY or self._s2.is_there

    def load(self, encoding: str) -> Steps[None]:
        """Before the first `encode`."""
        if not self.is_there(encoding):
            loading = self._s2.load()
            yield loading
            loading.result()


def wanted(headers: bytes) -> str:
    """What the first header `Accept-Encoding` of a block asks for; empty without one."""
    return chosen(value_of(headers, b"Accept-Encoding") or b"")


def chosen(asked: bytes) -> str:
    """The encoding that the value of that header asks for; empty if it asks for none."""
    asked = asked.lower()
    if b"snappy" in asked or b"s2" in asked:
        return SNAPPY
    if b"gzip" in asked:
        return GZIP
    return PLAIN if asked else ""


def encode(body: bytes, encoding: str) -> Work[bytes]:
    """The body in that encoding, for which its `Codec` is there."""
    if encoding == GZIP:
        return (yield from _gzip(body))
    if encoding == SNAPPY:
        return (yield from _snappy(body))
    return body


def _gzip(body: bytes) -> Work[bytes]:
    packer = zlib.compressobj(wbits=_GZIP_BITS)
    parts = []
    for start in range(0, len(body), _GZIP_STEP):
        parts.append(packer.compress(body[start : start + _GZIP_STEP]))
        yield
    parts.append(packer.flush())
    return b"".join(parts)


def _snappy(body: bytes) -> Work[bytes]:
    from pynats_common import s2

    parts = [_STREAM]
    with memoryview(body) as view:
        for start in range(0, len(body), _SNAPPY_STEP):
            parts.append(s2.encode_chunks(view[start : start + _SNAPPY_STEP]))
            yield
    return b"".join(parts)
