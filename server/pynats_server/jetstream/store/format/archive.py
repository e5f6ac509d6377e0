"""The message archive nats-server makes since 2.15: an S2 stream of `NATSARC1` and entries.

Entry: uvarint name size, varint timestamp, uvarint sequence, uvarint header size, uvarint payload
size, name, header, payload. `state.json` and `consumers/<name>` have sequence 0, messages carry
their subject as name; an empty name ends the archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from pynats_server.jetstream.store.base import BlockStore
from pynats_server.jetstream.store.contract import StoreError
from pynats_server.jetstream.store.format import s2
from pynats_server.jetstream.store.format.codec import Reader, put_uvarint, put_varint

MAGIC = b"NATSARC1"
ENTRY_MAX = 64 * 1024 * 1024


class BadMessageArchive(StoreError):
    """The archive is malformed or stops early."""


class Entry(NamedTuple):
    """A message (seq > 0, name = subject) or a document (seq 0)."""

    name: bytes
    ts: int
    seq: int
    headers: bytes
    payload: bytes


def encode_entry(entry: Entry) -> bytes:
    """One entry's bytes; `Entry(b"", 0, 0, b"", b"")` ends an archive."""
    out = bytearray()
    put_uvarint(out, len(entry.name))
    put_varint(out, entry.ts)
    for value in (entry.seq, len(entry.headers), len(entry.payload)):
        put_uvarint(out, value)
    return bytes(out) + entry.name + entry.headers + entry.payload


def write_archive(store: BlockStore, documents: Iterable[Entry], last: int = 0) -> Iterator[bytes]:
    """Chunks of an archive: the documents (`state.json` first), then every message up to `last`
    (0 = all). The store may change between chunks: what goes before its turn is left out."""
    yield s2.IDENTIFIER
    yield s2.encode_chunks(MAGIC + b"".join(map(encode_entry, documents)))
    held, size = [], 0
    for seq, _ in store.oldest():
        if last and seq > last:
            break
        m = store.load(seq)
        held.append(encode_entry(Entry(m.subject, m.ts, m.seq, m.headers, m.payload)))
        size += len(held[-1])
        if size >= 1 << 16:
            yield s2.encode_chunks(b"".join(held))
            held, size = [], 0
    held.append(encode_entry(Entry(b"", 0, 0, b"", b"")))
    yield s2.encode_chunks(b"".join(held))


def read_archive(source: IO[bytes], limit: int) -> Iterator[Entry]:
    """Entries one by one; BadMessageArchive when damaged, cut off, or unpacking past `limit`."""
    decoder = s2.StreamDecoder(limit)
    held, at, started = b"", 0, False
    while True:
        try:
            data = source.read(1 << 16)
            if not data:
                raise BadMessageArchive("the archive ends early")
            held, at = held[at:] + decoder.feed(data), 0
        except ValueError as error:
            raise BadMessageArchive(str(error)) from None
        if not started and len(held) >= len(MAGIC):
            if held[: len(MAGIC)] != MAGIC:
                raise BadMessageArchive("not a message archive")
            at, started = len(MAGIC), True
        while started and (found := _entry_at(held, at)) is not None:
            entry, at = found
            if not entry.name:
                return
            yield entry


def _entry_at(data: bytes, at: int) -> tuple[Entry, int] | None:
    """The entry at `at` and where it ends, or None while more bytes are needed."""
    reader = Reader(data, at)
    try:
        name, ts, seq = reader.uvarint(), reader.varint(), reader.uvarint()
        headers, payload = reader.uvarint(), reader.uvarint()
        if max(name, headers, payload) > ENTRY_MAX:
            raise BadMessageArchive("an entry is too large")
        made = Entry(reader.take(name), ts, seq, reader.take(headers), reader.take(payload))
    except ValueError:
        if len(data) - at > 4 * ENTRY_MAX:
            raise BadMessageArchive("an entry is too large") from None
        return None
    return made, reader.at


def restore_messages(store: BlockStore, entries: Iterable[Entry]) -> list[Entry]:
    """Append an archive's messages to an empty store, gaps kept; returns the documents."""
    documents = []
    for entry in entries:
        if not entry.seq:
            documents.append(entry)
            continue
        if entry.seq <= store.last_seq:
            raise BadMessageArchive(f"sequence {entry.seq} is out of order")
        if entry.seq > store.last_seq + 1:
            store.skip(entry.seq - 1 - store.last_seq, entry.ts)
        store.append(entry.name, entry.headers or None, entry.payload, entry.ts)
    return documents
