"""The outer layers of a block file: compression, encryption, and what to salvage of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_common import s2
from pynats_common.varints import Reader, put_uvarint

if TYPE_CHECKING:
    from pynats_server.jetstream.store.format.crypt import BlockCipher

COMPRESSION_S2 = 1
MAGIC = b"cmp"
SHORTEST_PACKED = 13  # bytes
UNPACKED_MAX = 160 << 20  # bytes of records: a block of 8 MiB and two of the largest messages


def pack_block(plain: bytes, compress: bool, cipher: BlockCipher | None) -> bytes:
    """Bytes for the file: `cmp`, algorithm, uvarint size, S2 stream, the last 8 bytes raw."""
    data = plain
    if compress and len(plain) > 8:
        head = bytearray(MAGIC)
        head.append(COMPRESSION_S2)
        put_uvarint(head, len(plain))
        data = bytes(head) + s2.encode_stream(plain[:-8]) + plain[-8:]
    return cipher.apply(data) if cipher and data else data


def is_packed(data: bytes, cipher: BlockCipher | None) -> bool:
    """Whether a file's records are compressed: offsets in it are not those of the records."""
    start = data[: len(MAGIC)]
    if cipher and start:
        start = cipher.apply(start)
    return start == MAGIC and len(data) >= SHORTEST_PACKED


def unpack_block(data: bytes, cipher: BlockCipher | None) -> tuple[bytes, bool]:
    """(records, whole). Damaged S2 chunks come back as zeros so that the rest stays readable."""
    if cipher and data:
        data = cipher.apply(data)
    if data[:3] != MAGIC or len(data) < SHORTEST_PACKED:
        return data, True
    if data[3] != COMPRESSION_S2:
        return b"", False
    try:
        reader = Reader(data, 4)
        size = reader.uvarint()
        if size > UNPACKED_MAX:
            raise ValueError("no block is that large")
        body = data[reader.at : -8]
        return s2.decode_stream(body, size) + data[-8:], True
    except ValueError:
        return _salvage(data), False


def _salvage(data: bytes) -> bytes:
    at = data.find(s2.IDENTIFIER[4:], 4, 64)
    if at < 0:
        return b""
    at += 6
    out = bytearray()
    while at + 4 <= len(data) - 8 and len(out) < UNPACKED_MAX:
        size = int.from_bytes(data[at + 1 : at + 4], "little")
        chunk = data[at : at + 4 + size]
        at += 4 + size
        try:
            out += s2.decode_stream(s2.IDENTIFIER + chunk, UNPACKED_MAX - len(out))
        except ValueError:
            try:
                out += bytes(min(Reader(chunk, 8).uvarint(), 1 << 22, UNPACKED_MAX - len(out)))
            except ValueError:
                break
    return bytes(out) + data[-8:]
