"""sources.db: how far each source of a stream has come, as nats-server 2.15 writes it.

A byte 1, the number of sources (u64), the stamp (u64): the sequence from which on only the messages
themselves tell more. For every source the length and bytes of its name, its sequence (a varint),
and the length and bytes of the origin's identity. nats-server reads no further; we end with ten
bytes that begin no source, and a checksum. A sequence of 0 means in our files that the source has
brought nothing, and in theirs that nobody has looked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pynats_common.varints import Reader, put_uvarint

from pynats_server.jetstream.store.format.highway import digest64

VERSION: Final = 1
HEAD_SIZE: Final = 17
MARK: Final = b"\xff" * 10  # a number that is too large
SUM_SIZE: Final = 8


class Place(NamedTuple):
    """How far a source has come: the last sequence of its origin that was taken over, and which
    stream of that name the origin was (empty = not known)."""

    seq: int
    identity: bytes = b""


@dataclass(slots=True)
class SavedPlaces:
    """`places` by the sources' names. Messages from `stamp` on may tell more. A note of the log has
    the sequences of the copies, too, that told them (`told_by`)."""

    places: dict[bytes, Place]
    stamp: int
    told_by: dict[bytes, int] = field(default_factory=dict)


def _encode(places: dict[bytes, Place], stamp: int) -> bytearray:
    out = bytearray((VERSION,))
    out += len(places).to_bytes(8, "little") + stamp.to_bytes(8, "little")
    for name, place in places.items():
        put_uvarint(out, len(name))
        out += name
        put_uvarint(out, place.seq)
        put_uvarint(out, len(place.identity))
        out += place.identity
    return out


def _decode(data: bytes) -> tuple[SavedPlaces, Reader]:
    if len(data) < HEAD_SIZE or data[0] != VERSION:
        raise ValueError("not a list of sources")
    count = int.from_bytes(data[1:9], "little")
    found = SavedPlaces({}, int.from_bytes(data[9:17], "little"))
    reader = Reader(data, HEAD_SIZE)
    for _ in range(count):
        name = reader.take(reader.uvarint())
        seq = reader.uvarint()
        found.places[name] = Place(seq, reader.take(reader.uvarint()))
    return found, reader


def encode_note(note: SavedPlaces) -> bytes:
    """A note: as the file without its checksum, and the sequences of the copies."""
    out = _encode(note.places, note.stamp)
    for name in note.places:
        put_uvarint(out, note.told_by[name])
    return bytes(out)


def decode_note(data: bytes) -> SavedPlaces:
    """Parse a note; ValueError when it is malformed."""
    found, reader = _decode(data)
    for name in found.places:
        found.told_by[name] = reader.uvarint()
    return found


def encode_sources(places: dict[bytes, Place], stamp: int, key: bytes) -> bytes:
    """A file's content."""
    body = bytes(_encode(places, stamp)) + MARK
    return body + digest64(key, body)


def decode_sources(data: bytes, key: bytes) -> SavedPlaces:
    """Parse a file, ours or nats-server's; ValueError when it is damaged."""
    found, reader = _decode(data)
    if reader.at == len(data):
        found.places = {name: place for name, place in found.places.items() if place.seq}
    elif data[reader.at : -SUM_SIZE] != MARK or digest64(key, data[:-SUM_SIZE]) != data[-SUM_SIZE:]:
        raise ValueError("checksum does not match")
    return found
