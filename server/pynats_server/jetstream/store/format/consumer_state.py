"""How far a consumer has come: the state file `o.dat` (nats-server's versions 1 and 2; 2 is
written), and the JSON of backups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pynats_common.go.durations import SECOND_NS
from pynats_common.varints import Reader, put_uvarint, put_varint

MAGIC, VERSION = 22, 2
U64 = (1 << 64) - 1


@dataclass(slots=True)
class ConsumerState:
    """Positions are (consumer sequence, stream sequence); `pending` maps stream sequence to
    (consumer sequence, delivery time in ns, kept to the second); `redelivered` to a count.
    `saved_ns` is when a file was written, if it says so."""

    ack_floor: tuple[int, int] = (0, 0)
    delivered: tuple[int, int] = (0, 0)
    pending: dict[int, tuple[int, int]] = field(default_factory=dict)
    redelivered: dict[int, int] = field(default_factory=dict)
    saved_ns: int = field(default=0, compare=False)


def encode_consumer_state(state: ConsumerState, now: int) -> bytes:
    """Bytes of `o.dat`; `now` (ns) is the base that pending times are stored against."""
    out = bytearray((MAGIC, VERSION))
    for value in (*state.ack_floor, *state.delivered, len(state.pending)):
        put_uvarint(out, value)
    consumer_floor, stream_floor = state.ack_floor
    if state.pending:
        base = (now + SECOND_NS // 2) // SECOND_NS
        put_varint(out, base)
        for seq, (delivery, ts) in sorted(state.pending.items()):
            put_uvarint(out, seq - stream_floor)
            put_uvarint(out, delivery - consumer_floor)
            put_varint(out, base - ts // SECOND_NS)
    put_uvarint(out, len(state.redelivered))
    for seq, count in sorted(state.redelivered.items()):
        put_uvarint(out, (seq - stream_floor) & U64)  # it may lie behind the floor
        put_uvarint(out, count)
    return bytes(out)


def decode_consumer_state(data: bytes) -> ConsumerState:
    """Parse `o.dat`; ValueError on anything malformed. What follows is not looked at."""
    return decode_with_size(data)[0]


def decode_with_size(data: bytes) -> tuple[ConsumerState, int]:
    """The same, and how many bytes it took."""
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
    state.saved_ns = max(base, 0) * SECOND_NS
    for _ in range(count):
        # nats-server subtracts without a look at which is larger.
        seq = (reader.uvarint() + floor[1]) & U64
        delivery = (reader.uvarint() + floor[0]) & U64 if version == VERSION else 0
        delta = reader.varint()
        if seq == 0:
            raise ValueError("pending sequence is zero")
        seconds = base - delta if version == VERSION else base + delta
        state.pending[seq] = (delivery, seconds * SECOND_NS)
    for _ in range(reader.uvarint()):
        seq, times = (reader.uvarint() + floor[1]) & U64, reader.uvarint()
        if seq and times:
            state.redelivered[seq] = times
    return state, reader.at


def check_consumer_state(state: ConsumerState) -> None:
    """ValueError if it contradicts itself."""
    if state.ack_floor[0] > state.delivered[0] or state.ack_floor[1] > state.delivered[1]:
        raise ValueError("more is acknowledged than delivered")
    for seq in state.pending:
        if not state.ack_floor[1] < seq <= state.delivered[1]:
            raise ValueError(f"sequence {seq} waits outside of what was delivered")
    if max(state.redelivered, default=0) > state.delivered[1]:
        raise ValueError("more is delivered again than was delivered")


def forget_strays(state: ConsumerState) -> None:
    """nats-server may count deliveries of messages that were never delivered."""
    high = state.delivered[1]
    for seq in [seq for seq in state.redelivered if seq > high]:
        del state.redelivered[seq]


def forget_spent(state: ConsumerState, is_kept: Callable[[int], bool]) -> None:
    """Of what is out of deliveries and lies behind the floor, only what is kept still matters."""
    floor = state.ack_floor[1]
    for seq in [seq for seq in state.redelivered if seq <= floor and not is_kept(seq)]:
        del state.redelivered[seq]


def state_to_json(state: ConsumerState) -> dict[str, Any]:
    """As a message archive has it; empty maps are left out."""
    made: dict[str, Any] = {
        "delivered": _pair(state.delivered),
        "ack_floor": _pair(state.ack_floor),
    }
    if state.pending:
        made["pending"] = {
            str(seq): {"Sequence": delivery, "Timestamp": ts}
            for seq, (delivery, ts) in sorted(state.pending.items())
        }
    if state.redelivered:
        made["redelivered"] = {str(seq): n for seq, n in sorted(state.redelivered.items())}
    return made


def state_from_json(found: Any) -> ConsumerState:
    """The reverse; ValueError on anything malformed."""
    try:
        state = ConsumerState(_positions(found["ack_floor"]), _positions(found["delivered"]))
        for seq, entry in (found.get("pending") or {}).items():
            state.pending[_number(int(seq))] = _number(entry["Sequence"]), int(entry["Timestamp"])
        for seq, times in (found.get("redelivered") or {}).items():
            state.redelivered[_number(int(seq))] = _number(times)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a consumer state: {error!r}") from None
    forget_strays(state)
    check_consumer_state(state)
    return state


def _pair(positions: tuple[int, int]) -> dict[str, int]:
    return {"consumer_seq": positions[0], "stream_seq": positions[1]}


def _positions(found: Any) -> tuple[int, int]:
    return _number(found["consumer_seq"]), _number(found["stream_seq"])


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise ValueError(f"not a sequence: {value!r}")
    return value
