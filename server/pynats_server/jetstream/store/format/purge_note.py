"""A note in the log that a purge goes on to its end, whatever happens: which messages, up to where.

A byte 2 (notes of sources begin with 1), the last sequence that the purge may touch (a varint), the
filter. `VOID` says that sequences are used again: what came before does not count any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pynats_common.varints import Reader, put_uvarint

PURGE: Final = 2
VOID: Final = b"\x03"


def encode_purge(filter: bytes, last: int) -> bytes:
    """A note."""
    out = bytearray((PURGE,))
    put_uvarint(out, last)
    return bytes(out + filter)


def decode_purges(notes: Iterable[bytes]) -> dict[bytes, int]:
    """The purges among the notes of a log, which come in order: the last sequence by filter."""
    found: dict[bytes, int] = {}
    for note in notes:
        if note == VOID:
            found.clear()
        elif note[:1] == bytes((PURGE,)):
            reader = Reader(note, 1)
            last = reader.uvarint()
            filter = note[reader.at :]
            found[filter] = max(last, found.get(filter, 0))
    return found
