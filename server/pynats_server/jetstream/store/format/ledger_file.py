"""ledger.db: which blocks a stream has, and what was in each when it was last noted.

Four bytes, then entries, each with the checksum of everything up to its end: so an end that was
torn, and whatever lies behind it, is not taken for entries.

- 1: a block holds first..last without the deleted. Its number, first, last, their bytes, the size
  of the file (0 = nobody knows), its last eight bytes, and which are deleted, if any
- 2: a block was removed, because nothing in it lived. Its number
- 3: the stream was cut. What is up to this sequence still counts

The numbers have a fixed size, the deleted sequences are as in index.db.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from pynats_common.varints import Reader, put_uvarint

from pynats_server.jetstream.store.format.highway import digest64
from pynats_server.jetstream.store.seqset import SequenceSet

MAGIC: Final = b"PNL\x01"
HOLDS, REMOVED, CUT = 1, 2, 3
SUM_SIZE: Final = 8
END_SIZE: Final = 8
HEAD: Final = Struct("<BQQQQQ8s")
SHORT: Final = Struct("<BQ")


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
    known = len(claim.end) == END_SIZE
    size, end = (claim.size, claim.end) if known else (0, b"")
    head = HEAD.pack(HOLDS, number, claim.first, claim.last, claim.nbytes, size, end)
    return head + (claim.deleted.encode() if claim.deleted else b"")


def removed_entry(number: int) -> bytes:
    """A block has gone."""
    return SHORT.pack(REMOVED, number)


def cut_entry(last: int) -> bytes:
    """The stream ends at `last` now."""
    return SHORT.pack(CUT, last)


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
    kind = entry[0] if entry else 0
    if kind == HOLDS and len(entry) >= HEAD.size:
        _, number, first, last, nbytes, size, end = HEAD.unpack_from(entry)
        claim = Claim(first, last, nbytes=nbytes, size=size, end=end if size else b"")
        if len(entry) > HEAD.size:
            claim.deleted, _ = SequenceSet.decode(entry, HEAD.size)
        found.claims[number], found.entries[number] = claim, entry
    elif kind == REMOVED and len(entry) == SHORT.size:
        number = SHORT.unpack(entry)[1]
        found.claims[number], found.entries[number] = None, entry
    elif kind == CUT and len(entry) == SHORT.size:
        _cut(found, SHORT.unpack(entry)[1])
    else:
        raise ValueError("not an entry")


def _cut(found: LedgerContent, last: int) -> None:
    for number, claim in found.claims.items():
        if claim is not None and claim.last > last:
            claim.last = last
            found.entries[number] = holds_entry(number, claim)
