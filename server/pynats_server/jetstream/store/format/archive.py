"""Message archives (`pynats_common.archive`) of a store, and a store of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO

from pynats_common import archive, s2
from pynats_common.archive import END, MAGIC, Entry, encode_entry, encode_head

from pynats_server.jetstream.store.contract import Store
from pynats_server.jetstream.store.errors import StoreError
from pynats_server.jetstream.store.format.entries import put_entries

PIECE = 1 << 16  # bytes that a step of writing compresses
LOOK = 2000  # records that it looks at
BATCH, BATCH_BYTES = 1000, 256 * 1024  # messages and bytes that are restored before a rest


class BadMessageArchive(StoreError):
    """The archive is malformed or stops early."""


def write_archive(store: Store, documents: Iterable[Entry], last: int = 0) -> Iterator[bytes]:
    """Chunks of an archive: the documents (`state.json` first), then every message up to `last`
    (0 = all). A rest between two steps is an empty one. The store may change meanwhile: what goes
    before its turn is left out."""
    yield s2.IDENTIFIER
    held = bytearray(MAGIC)
    for document in documents:
        held += encode_head(document)
        for start in range(0, len(document.payload), PIECE):  # one of a consumer may be large
            held += document.payload[start : start + PIECE]
            if len(held) >= PIECE:
                yield from _compressed(held)
                held = bytearray()
    at, last = store.first_seq, min(last or store.last_seq, store.last_seq)
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
    held += encode_entry(END)
    yield from _compressed(held)


def _compressed(data: bytes | bytearray) -> Iterator[bytes]:
    """In steps: a message may be large."""
    with memoryview(data) as view:
        for start in range(0, len(data), PIECE):
            yield s2.encode_chunks(view[start : start + PIECE])


def read_archive(source: IO[bytes], limit: int) -> Iterator[Entry | None]:
    """`archive.read_archive`, with an error of the store."""
    try:
        yield from archive.read_archive(source, limit)
    except archive.BadArchive as error:
        raise BadMessageArchive(str(error)) from None


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
