"""The real server's files with the due times and expiry times of messages."""

from __future__ import annotations

import struct
from pathlib import Path


def read_due_times(path: Path) -> dict[str, int]:
    """Subject of the schedule -> time in ns, from a `sched.db` written at shutdown."""
    data = path.read_bytes()
    version, count, _ = struct.unpack_from("<BQQ", data)
    assert version == 1
    place, times = 17, {}
    for _ in range(count):
        (size,) = struct.unpack_from("<H", data, place)
        subject = data[place + 2 : place + 2 + size].decode()
        zigzag, place = _uvarint(data, place + 2 + size)
        _, place = _uvarint(data, place)
        times[subject] = (zigzag >> 1) ^ -(zigzag & 1)
    return times


def read_expiry_times(path: Path) -> dict[int, int]:
    """Sequence -> time in ns, from a `thw.db` written at shutdown."""
    data = path.read_bytes()
    version, count, _ = struct.unpack_from("<BQQ", data)
    assert version == 1
    place, times = 17, {}
    for _ in range(count):
        zigzag, place = _uvarint(data, place)
        seq, place = _uvarint(data, place)
        times[seq] = (zigzag >> 1) ^ -(zigzag & 1)
    return times


def _uvarint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place
