"""ledger.db: which blocks a stream has, and what was in each when it was last noted.

Four bytes, then entries, each with the checksum of everything up to its end: so an end that was
torn, and whatever lies behind it, is not taken for entries.

- 1: a block holds first..last without the deleted. Its number, first, last, their bytes, the size
  of the file, 8 or 0, the last bytes of the file, how many are deleted, and which
- 2: a block was removed, because nothing in it lived. Its number
- 3: the stream was cut. What is up to this sequence still counts

The numbers are varints, the deleted sequences as in index.db.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pynats_server.jetstream.store.format.codec import Reader, put_uvarint
from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.seqset import SequenceSet

MAGIC: Final = b"PNL\x01"
HOLDS, REMOVED, CUT = 1, 2, 3
SUM_SIZE: Final = 8
END_SIZE: Final = 8


@dataclass(slots=True)
class Claim:
    """A block had the messages first..last without `deleted`, at some moment; `nbytes` in their
    records. `size` and `end`: of its file, and its last bytes (empty = nobody knows)."""

    first: int
    last: int
    deleted: SequenceSet = field(default_factory=SequenceSet)
    nbytes: int = 0
    size: int = 0
    end: bytes = b""


@dataclass(slots=True)
class LedgerContent:
    """`claims` by number; None for a block that was removed; and the `entries` that say so. `size`
    and `sum`: up to where it is intact, and how it goes on."""

    claims: dict[int, Claim | None] = field(default_factory=dict)
    entries: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    sum: bytes = b""


def holds_entry(number: int, claim: Claim) -> bytes:
    """What a block holds."""
    out = bytearray((HOLDS,))
    for value in (number, claim.first, claim.last, claim.nbytes, claim.size, len(claim.end)):
        put_uvarint(out, value)
    out += claim.end
    put_uvarint(out, len(claim.deleted))
    return bytes(out + claim.deleted.encode() if claim.deleted else out)


def removed_entry(number: int) -> bytes:
    """A block has gone."""
    out = bytearray((REMOVED,))
    put_uvarint(out, number)
    return bytes(out)


def cut_entry(last: int) -> bytes:
    """The stream ends at `last` now."""
    out = bytearray((CUT,))
    put_uvarint(out, last)
    return bytes(out)


def encode_entries(entries: list[bytes], key: bytes, before: bytes) -> tuple[bytes, bytes]:
    """(the bytes to append, the checksum that they end with) behind the checksum `before`."""
    out = bytearray()
    for entry in entries:
        head = bytearray()
        put_uvarint(head, len(entry))
        before = digest64(key, before + bytes(head) + entry)
        out += head + entry + before
    return bytes(out), before


def decode_ledger(data: bytes, key: bytes) -> LedgerContent:
    """The intact entries of a file; none when it is not one."""
    found = LedgerContent()
    if data[: len(MAGIC)] != MAGIC:
        return found
    found.size, found.sum = len(MAGIC), MAGIC
    reader = Reader(data, len(MAGIC))
    while reader.at < len(data):
        try:
            size = reader.uvarint()
            head = data[found.size : reader.at]
            entry, checksum = reader.take(size), reader.take(SUM_SIZE)
            if digest64(key, found.sum + head + entry) != checksum:
                break
            _take(found, entry)
        except ValueError:
            break
        found.size, found.sum = reader.at, checksum
    return found


def _take(found: LedgerContent, entry: bytes) -> None:
    if not entry or entry[0] not in (HOLDS, REMOVED, CUT):
        raise ValueError("not an entry")
    reader = Reader(entry, 1)
    if entry[0] == CUT:
        _cut(found, reader.uvarint())
        return
    number = reader.uvarint()
    found.entries[number] = entry
    if entry[0] == REMOVED:
        found.claims[number] = None
        return
    claim = Claim(reader.uvarint(), reader.uvarint())
    claim.nbytes, claim.size = reader.uvarint(), reader.uvarint()
    claim.end = reader.take(reader.uvarint())
    if reader.uvarint():
        claim.deleted, _ = SequenceSet.decode(entry, reader.at)
    found.claims[number] = claim


def _cut(found: LedgerContent, last: int) -> None:
    for number, claim in found.claims.items():
        if claim is not None and claim.last > last:
            claim.last = last
            found.entries[number] = holds_entry(number, claim)
