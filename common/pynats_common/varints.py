"""Variable-length integers as Go's encoding/binary writes them."""

from __future__ import annotations


def put_uvarint(out: bytearray, value: int) -> None:
    """Append an unsigned varint."""
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def put_varint(out: bytearray, value: int) -> None:
    """Append a zigzag varint of a 64-bit signed integer."""
    put_uvarint(out, value << 1 if value >= 0 else ~(value << 1))


class Reader:
    """Reads varints off a buffer; ValueError when it ends early or a number passes 64 bits."""

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        self.data = data
        self.at = at

    def uvarint(self) -> int:
        """Next unsigned varint."""
        value = shift = 0
        while True:
            if self.at >= len(self.data) or shift > 63:
                raise ValueError("number is cut off")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                if value >> 64:
                    raise ValueError("number is too large")
                return value
            shift += 7

    def varint(self) -> int:
        """Next zigzag varint."""
        value = self.uvarint()
        return value >> 1 if not value & 1 else ~(value >> 1)

    def take(self, size: int) -> bytes:
        """Next `size` bytes."""
        if size > len(self.data) - self.at:
            raise ValueError("bytes are cut off")
        self.at += size
        return bytes(self.data[self.at - size : self.at])
