"""The message archive nats-server makes since 2.15: an S2 stream of `NATSARC1` and entries.

Entry: uvarint name size, varint timestamp, uvarint sequence, uvarint header size, uvarint payload
size, name, header, payload. `state.json` and `consumers/<name>` have sequence 0, messages carry
their subject as name; an empty name ends the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple

from pynats_server.jetstream.store.contract import Store
from pynats_server.jetstream.store.errors import StoreError
from pynats_server.jetstream.store.format import s2
from pynats_server.jetstream.store.format.codec import Reader, put_uvarint, put_varint
from pynats_server.jetstream.store.format.entries import put_entries

MAGIC = b"NATSARC1"
ENTRY_MAX = 64 * 1024 * 1024  # bytes of headers or payload: the most that a server may accept
NAME_MAX = 64 * 1024  # bytes of a subject, or of a document's name
HEAD_MAX = 5 * 10  # bytes of five numbers
PIECE = 1 << 16  # bytes that a step of writing compresses
LOOK = 2000  # records that it looks at
BATCH, BATCH_BYTES = 1000, 256 * 1024  # messages and bytes that are restored before a rest


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


def write_archive(store: Store, documents: Iterable[Entry], last: int = 0) -> Iterator[bytes]:
    """Chunks of an archive: the documents (`state.json` first), then every message up to `last`
    (0 = all). A rest between two steps is an empty one. The store may change meanwhile: what goes
    before its turn is left out."""
    yield s2.IDENTIFIER
    about = MAGIC + b"".join(map(encode_entry, documents))
    yield from _compressed(about)
    at, last = store.first_seq, min(last or store.last_seq, store.last_seq)
    held = bytearray()
    while at and at <= last:
        index = store.block_at(at)
        if index >= len(store.blocks):
            break
        block = store.blocks[index]
        if block.msgs and not block.loaded:
            for _ in store.loading(block):
                yield b""
            continue
        onward = put_entries(held, block, at, last, PIECE, LOOK) if block.msgs else 0
        at = onward or max(at, block.last_seq) + 1
        if len(held) >= PIECE:
            yield from _compressed(held)
            held = bytearray()
        else:
            yield b""
    held += encode_entry(Entry(b"", 0, 0, b"", b""))
    yield from _compressed(held)


def _compressed(data: bytes | bytearray) -> Iterator[bytes]:
    """In steps: a message may be large."""
    with memoryview(data) as view:
        for start in range(0, len(data), PIECE):
            yield s2.encode_chunks(view[start : start + PIECE])


def unpacked(source: IO[bytes], limit: int) -> Iterator[bytes]:
    """What an S2 stream unpacks to, some MiB at a time at most; ValueError when it is damaged, cut
    off, or unpacks to more than `limit`."""
    decoder = s2.StreamDecoder(limit)
    while data := source.read(1 << 16):
        decoder.push(data)
        while (made := decoder.take()) is not None:
            yield made
    decoder.close()


def read_archive(source: IO[bytes], limit: int) -> Iterator[Entry | None]:
    """Entries one by one, and None where much was read without one: a rest for who wants one.
    BadMessageArchive when damaged, cut off, or unpacking past `limit`."""
    held, at, started = bytearray(), 0, False
    wanted = len(MAGIC)  # bytes from `at` on before it is worth to look
    try:
        for made in unpacked(source, limit):
            held += made
            if not started and len(held) >= len(MAGIC):
                if held[: len(MAGIC)] != MAGIC:
                    raise BadMessageArchive("not a message archive")
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
    except ValueError as error:
        raise BadMessageArchive(str(error)) from None
    raise BadMessageArchive("the archive ends early")


def _entry_at(data: bytearray, at: int, limit: int) -> tuple[Entry | None, int]:
    """The entry at `at` and its size; None and the size to wait for while it is not whole."""
    head = bytes(data[at : at + HEAD_MAX])
    reader = Reader(head)
    try:
        name, ts, seq = reader.uvarint(), reader.varint(), reader.uvarint()
        headers, payload = reader.uvarint(), reader.uvarint()
    except ValueError:
        if len(head) == HEAD_MAX:
            raise
        return None, len(head) + 1
    if name > NAME_MAX:
        raise BadMessageArchive("the name of an entry is too long")
    if max(headers, payload) > ENTRY_MAX or headers + payload > limit:
        raise BadMessageArchive("an entry is too large")
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


def restore_messages(
    store: Store,
    entries: Iterable[Entry | None],
    check: Callable[[Entry], Entry] | None = None,
) -> Iterator[int]:
    """Appends an archive's messages to an empty store, gaps kept. Rests every 256 KiB or thousand
    messages: yields what was stored since then, in bytes. `check` gives the message to store, or
    raises. What is no message is passed over."""
    count = size = 0
    for entry in entries:
        if entry is None or size >= BATCH_BYTES or count >= BATCH:
            yield size
            count = size = 0
        if entry is None or not entry.seq:
            continue
        if entry.seq <= store.last_seq:
            raise BadMessageArchive(f"sequence {entry.seq} is out of order")
        if check is not None:
            entry = check(entry)
        if entry.seq > store.last_seq + 1:
            store.skip(entry.seq - 1 - store.last_seq, entry.ts)
        store.append(entry.name, entry.headers or None, entry.payload, entry.ts)
        count += 1
        size += store.size_of(len(entry.name), len(entry.headers), len(entry.payload))
    yield size
