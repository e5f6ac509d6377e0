"""The message archive nats-server makes since 2.15: an S2 stream of `NATSARC1` and entries.

Entry: uvarint name size, varint timestamp, uvarint sequence, uvarint header size, uvarint payload
size, name, header, payload. `state.json` and `consumers/<name>` have sequence 0, messages carry
their subject as name; an empty name ends the archive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from pynats_common.varints import Reader, put_uvarint, put_varint

MAGIC: Final = b"NATSARC1"
STATE: Final = b"state.json"
CONSUMERS: Final = b"consumers/"  # before the names of consumers
ENTRY_MAX: Final = 64 * 1024 * 1024  # bytes of headers or payload: the most a server may accept
NAME_MAX: Final = 64 * 1024  # bytes of a subject, or of a document's name
_HEAD_MAX: Final = 5 * 10  # bytes of five numbers
_READ: Final = 1 << 16


class BadArchive(ValueError):
    """The archive is malformed or stops early."""


class Entry(NamedTuple):
    """A message (seq > 0, name = subject) or a document (seq 0)."""

    name: bytes
    ts: int
    seq: int
    headers: bytes
    payload: bytes


END: Final = Entry(b"", 0, 0, b"", b"")


def encode_head(entry: Entry) -> bytearray:
    """What comes before the payload."""
    out = bytearray()
    put_uvarint(out, len(entry.name))
    put_varint(out, entry.ts)
    for value in (entry.seq, len(entry.headers), len(entry.payload)):
        put_uvarint(out, value)
    return out + entry.name + entry.headers


def encode_entry(entry: Entry) -> bytes:
    """One entry's bytes; that of `END` ends an archive."""
    return bytes(encode_head(entry)) + entry.payload


def unpacked(source: IO[bytes], limit: int) -> Iterator[bytes]:
    """What an S2 stream unpacks to, some MiB at a time at most; ValueError when it is damaged, cut
    off, or unpacks to more than `limit`."""
    from pynats_common.s2 import StreamDecoder  # compiled: not on every system

    decoder = StreamDecoder(limit)
    while data := source.read(_READ):
        decoder.push(data)
        while (made := decoder.take()) is not None:
            yield made
    decoder.close()


def read_archive(source: IO[bytes], limit: int) -> Iterator[Entry | None]:
    """Entries one by one, and None where much was read without one: a rest for who wants one.
    BadArchive when damaged, cut off, or unpacking past `limit`."""
    held, at, started = bytearray(), 0, False
    wanted = len(MAGIC)  # bytes from `at` on before it is worth to look
    try:
        for made in unpacked(source, limit):
            held += made
            if not started and len(held) >= len(MAGIC):
                if held[: len(MAGIC)] != MAGIC:
                    raise BadArchive("not a message archive")
                at, started, wanted = len(MAGIC), True, 1
            while len(held) - at >= wanted:
                entry, size = _entry_at(held, at, limit)
                if entry is None:
                    wanted = size
                    continue
                at, wanted = at + size, 1
                if not entry.name:
                    return
                yield entry
            del held[:at]
            at = 0
            yield None
    except BadArchive:
        raise
    except ValueError as error:
        raise BadArchive(str(error)) from None
    raise BadArchive("the archive ends early")


def _entry_at(data: bytearray, at: int, limit: int) -> tuple[Entry | None, int]:
    """The entry at `at` and its size; None and the size to wait for while it is not whole."""
    head = bytes(data[at : at + _HEAD_MAX])
    reader = Reader(head)
    try:
        name, ts, seq = reader.uvarint(), reader.varint(), reader.uvarint()
        headers, payload = reader.uvarint(), reader.uvarint()
    except ValueError:
        if len(head) == _HEAD_MAX:
            raise
        return None, len(head) + 1
    if name > NAME_MAX:
        raise BadArchive("the name of an entry is too long")
    if max(headers, payload) > ENTRY_MAX or headers + payload > limit:
        raise BadArchive("an entry is too large")
    begin = at + reader.at
    end = begin + name + headers + payload
    if end > len(data):
        return None, end - at
    with memoryview(data) as view:
        body = begin + name
        made = Entry(
            bytes(view[begin:body]), ts, seq,
            bytes(view[body : body + headers]), bytes(view[body + headers : end]),
        )  # fmt: skip
    return made, end - at
