"""The files of a consumer as bytes, with what shows damage and what helps to live with it.

`o.dat` is nats-server's state and a tail of ours behind it, which nats-server does not look at: the
positions once more, each part with a checksum. `known.dat`, ours alone, is a copy of what the
consumer was made of: its configuration, its sealed key, and where it began.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pynats_common.varints import Reader, put_uvarint

from pynats_server.jetstream.store.format.consumer_state import (
    ConsumerState,
    check_consumer_state,
    decode_with_size,
    forget_strays,
)
from pynats_server.jetstream.store.format.highway import digest64

TAG, KNOWN_TAG = b"\x00pt1", b"\x00pk1"
_BODY = struct.Struct("<4s5Q")
SUM = 8
TAIL = _BODY.size + 2 * SUM


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a consumer was: (consumer sequence, stream sequence), and the last sequence that its
    stream had."""

    ack_floor: tuple[int, int]
    delivered: tuple[int, int]
    stream_last: int


@dataclass(frozen=True, slots=True)
class StateFile:
    """What an `o.dat` tells. `state`: None when it is damaged, and then `problem` says how; `tail`:
    None when nats-server wrote it, or when that is damaged, too."""

    state: ConsumerState | None
    tail: Tail | None = None
    problem: str = ""


def with_tail(state: bytes, stream_last: int, key: bytes) -> bytes:
    """The content of `o.dat`: an encoded state and its tail. `key` is that of the checksums."""
    reader = Reader(state[2:42])
    positions = (reader.uvarint(), reader.uvarint(), reader.uvarint(), reader.uvarint())
    body = _BODY.pack(TAG, *positions, stream_last)
    whole = state + body + digest64(key, body)
    return whole + digest64(key, whole)


def read_state_file(data: bytes, key: bytes) -> StateFile:
    """The reverse, also of nats-server's files."""
    tail = _read_tail(data[-TAIL:], key)
    front = data[:-TAIL] if tail is not None else data
    if tail is not None and digest64(key, data[:-SUM]) != data[-SUM:]:
        return StateFile(None, tail, "its checksum does not match")
    try:
        state, size = decode_with_size(front)
        if size != len(front):
            raise ValueError("something else follows the state")
        if tail is None:
            forget_strays(state)
        check_consumer_state(state)
    except ValueError as error:
        return StateFile(None, tail, str(error))
    return StateFile(state, tail)


def _read_tail(data: bytes, key: bytes) -> Tail | None:
    body = data[: _BODY.size]
    if len(data) < TAIL or body[:4] != TAG or data[_BODY.size : -SUM] != digest64(key, body):
        return None
    _, *numbers = _BODY.unpack(body)
    return Tail((numbers[0], numbers[1]), (numbers[2], numbers[3]), numbers[4])


@dataclass(frozen=True, slots=True)
class Known:
    """What a consumer was made of: `meta.inf` and `meta.key` (empty without encryption) as they
    are on disk, and the stream sequence that it began behind."""

    meta: bytes
    sealed_key: bytes
    start: int


def encode_known(known: Known, key: bytes) -> bytes:
    """The content of `known.dat`."""
    out = bytearray(KNOWN_TAG)
    put_uvarint(out, known.start)
    for part in (known.meta, known.sealed_key):
        put_uvarint(out, len(part))
        out += part
    return bytes(out) + digest64(key, out)


def decode_known(data: bytes, key: bytes) -> Known | None:
    """The reverse; None when it is damaged."""
    if data[:4] != KNOWN_TAG or digest64(key, data[:-SUM]) != data[-SUM:]:
        return None
    reader = Reader(data[:-SUM], len(KNOWN_TAG))
    start = reader.uvarint()
    meta = reader.take(reader.uvarint())
    return Known(meta, reader.take(reader.uvarint()), start)
