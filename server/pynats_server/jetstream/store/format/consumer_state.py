"""The consumer state file `o.dat` (nats-server's versions 1 and 2; 2 is written)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pynats_server.jetstream.store.format.codec import Reader, put_uvarint, put_varint

MAGIC, VERSION = 22, 2
SECOND = 1_000_000_000


@dataclass(slots=True)
class ConsumerState:
    """Positions are (consumer sequence, stream sequence); `pending` maps stream sequence to
    (consumer sequence, delivery time in ns, kept to the second); `redelivered` to a count."""

    ack_floor: tuple[int, int] = (0, 0)
    delivered: tuple[int, int] = (0, 0)
    pending: dict[int, tuple[int, int]] = field(default_factory=dict)
    redelivered: dict[int, int] = field(default_factory=dict)


def encode_consumer_state(state: ConsumerState, now: int) -> bytes:
    """Bytes of `o.dat`; `now` (ns) is the base that pending times are stored against."""
    out = bytearray((MAGIC, VERSION))
    for value in (*state.ack_floor, *state.delivered, len(state.pending)):
        put_uvarint(out, value)
    consumer_floor, stream_floor = state.ack_floor
    if state.pending:
        base = (now + SECOND // 2) // SECOND
        put_varint(out, base)
        for seq, (delivery, ts) in sorted(state.pending.items()):
            put_uvarint(out, seq - stream_floor)
            put_uvarint(out, delivery - consumer_floor)
            put_varint(out, base - ts // SECOND)
    put_uvarint(out, len(state.redelivered))
    for seq, count in sorted(state.redelivered.items()):
        put_uvarint(out, seq - stream_floor)
        put_uvarint(out, count)
    return bytes(out)


def decode_consumer_state(data: bytes) -> ConsumerState:
    """Parse `o.dat`; ValueError on anything malformed."""
    if len(data) < 2 or data[0] != MAGIC or data[1] not in (1, VERSION):
        raise ValueError("not a consumer state file")
    version, reader = data[1], Reader(data, 2)
    floor = (reader.uvarint(), reader.uvarint())
    delivered = (reader.uvarint(), reader.uvarint())
    if version == 1:
        # Version 1 stored the next delivery relative to the floor.
        delivered = (
            delivered[0] + max(0, floor[0] - 1),
            delivered[1] + max(0, floor[1] - 1),
        )
    if floor[1] >> 63 or delivered[1] >> 63:
        raise ValueError("consumer state runs backwards")
    state = ConsumerState(floor, delivered)
    count = reader.uvarint()
    base = reader.varint() if count else 0
    for _ in range(count):
        seq = reader.uvarint() + floor[1]
        delivery = reader.uvarint() + floor[0] if version == VERSION else 0
        delta = reader.varint()
        if seq == 0:
            raise ValueError("pending sequence is zero")
        seconds = base - delta if version == VERSION else base + delta
        state.pending[seq] = (delivery, seconds * SECOND)
    for _ in range(reader.uvarint()):
        seq, times = reader.uvarint(), reader.uvarint()
        if seq and times:
            state.redelivered[seq + floor[1]] = times
    return state
