"""index.db: the whole state of a stream's blocks, as nats-server writes it (version 4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pynats_common.varints import Reader, put_uvarint, put_varint

from pynats_server.jetstream.store.format.subjectlist import list_end
from pynats_server.jetstream.store.seqset import SequenceSet

MAGIC, VERSION = 11, 4


@dataclass(slots=True)
class BlockEntry:
    """One block: live bytes, sequence range, times in ns, and how many of its live messages have
    a TTL or a schedule (a reader without queues for them scans just those blocks)."""

    index: int
    nbytes: int
    first_seq: int
    first_ts: int
    last_seq: int
    last_ts: int
    deleted: SequenceSet = field(default_factory=SequenceSet)
    ttls: int = 0
    schedules: int = 0

    @property
    def msgs(self) -> int:
        """Live messages."""
        return max(0, self.last_seq + 1 - self.first_seq - len(self.deleted))


@dataclass(slots=True)
class FullState:
    """`subjects`: the list as index.db has it, see `subjectlist`; `lists_last` tells which of its
    two forms. `tail_sum`: the last 8 bytes of the last block when this was written, which ties
    the index to the data."""

    msgs: int
    nbytes: int
    first_seq: int
    first_ts: int
    last_seq: int
    last_ts: int
    subjects: bytes | memoryview
    blocks: list[BlockEntry]
    tail_index: int
    tail_sum: bytes
    lists_last: bool = True


def encode_index(state: FullState) -> bytes:
    """The plain body, without the trailing checksum."""
    before, after = encode_around(state)
    return b"".join((before, state.subjects, after))


def encode_around(state: FullState) -> tuple[bytes, bytes]:
    """What a body has before and after its list of subjects."""
    out = bytearray((MAGIC, VERSION))
    put_uvarint(out, state.msgs)
    put_uvarint(out, state.nbytes)
    put_uvarint(out, state.first_seq)
    put_varint(out, state.first_ts)
    put_uvarint(out, state.last_seq)
    put_varint(out, state.last_ts)
    before, out = bytes(out), bytearray()
    put_uvarint(out, len(state.blocks))
    for block in state.blocks:
        put_uvarint(out, block.index)
        put_uvarint(out, block.nbytes)
        put_uvarint(out, block.first_seq)
        put_varint(out, block.first_ts - state.first_ts)
        put_uvarint(out, block.last_seq)
        put_varint(out, block.last_ts - state.first_ts)
        put_uvarint(out, len(block.deleted))
        put_uvarint(out, block.ttls)
        put_uvarint(out, block.schedules)
        if block.deleted:
            out += block.deleted.encode()
    put_uvarint(out, state.tail_index)
    return before, bytes(out) + state.tail_sum


def decode_index(data: bytes | memoryview) -> FullState:
    """Parse a body; ValueError on anything malformed."""
    if len(data) < 2 or data[0] != MAGIC or not 1 <= data[1] <= VERSION:
        raise ValueError("not a stream index")
    version, reader = data[1], Reader(data, 2)
    msgs, nbytes, first_seq = reader.uvarint(), reader.uvarint(), reader.uvarint()
    first_ts, last_seq, last_ts = reader.varint(), reader.uvarint(), reader.varint()
    begin = reader.at
    reader.at = list_end(data, begin, version >= 4)
    subjects = data[begin : reader.at]
    blocks = []
    for _ in range(reader.uvarint()):
        entry = BlockEntry(
            reader.uvarint(),
            reader.uvarint(),
            reader.uvarint(),
            reader.varint() + first_ts,
            reader.uvarint(),
            reader.varint() + first_ts,
        )
        deleted = reader.uvarint()
        # Not counted before versions 2 and 3: every block is taken to hold some.
        entry.ttls = reader.uvarint() if version >= 2 else 1
        entry.schedules = reader.uvarint() if version >= 3 else 1
        if deleted:
            entry.deleted, reader.at = SequenceSet.decode(data, reader.at)
        blocks.append(entry)
    tail_index = reader.uvarint()
    return FullState(
        msgs,
        nbytes,
        first_seq,
        first_ts,
        last_seq,
        last_ts,
        subjects,
        blocks,
        tail_index,
        reader.take(8),
        version >= 4,
    )
