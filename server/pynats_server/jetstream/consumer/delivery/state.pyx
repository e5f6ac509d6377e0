"""See state.pxd."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

from pynats_server.jetstream.clock cimport drift_ns
from pynats_server.jetstream.consumer.delivery.entries cimport DONE, OPEN, SPENT, Entries, Entry
from pynats_server.jetstream.store.format.varint cimport UVARINT_MAX, put_uvarint

import hashlib
import struct

from pynats_server.jetstream.consumer.operations import (
    Acked, Delivered, Purged, ResetTo, Spent, Struck,
)
from pynats_server.jetstream.store.format.consumer_state import ConsumerState as SavedState
from pynats_server.work import finish

cdef enum:
    SECOND = 1000000000  # ns
    LIST = 500  # entries that a step lists
    MAGIC = 22
    VERSION = 2
    ENTRY_MAX = 5 * UVARINT_MAX
    HEAD_MAX = 2 + 7 * UVARINT_MAX


cdef inline uint64_t zigzag(int64_t value) noexcept nogil:
    return (<uint64_t>value << 1) ^ <uint64_t>(value >> 63)


cdef list listed(Entries entries, size_t place, size_t most):
    """[(stream sequence, consumer sequence, ts, deliveries, whether SPENT)] of what is held."""
    cdef Entry* entry
    cdef list found = []
    while place < entries.tail and <size_t>len(found) < most:
        entry = entries.at(place)
        if entry.fate != DONE:
            found.append((entry.seq, entry.delivery, entry.ts, entry.count, entry.fate == SPENT))
        place += 1
    return found


cdef class Snapshot(Entries):
    def __len__(self):
        return self.tail - self.head

    def sequences(self, uint64_t start, uint64_t last, size_t most) -> list:
        """The first of the messages from `start` to `last`."""
        return [one[0] for one in listed(self, self.place(start), most) if one[0] <= last]

    def saving(self):
        """What backups keep, in steps (a `Work`)."""
        cdef uint64_t at = 0
        cdef int64_t drift = drift_ns()
        pending, redelivered = {}, {}
        while True:
            part = listed(self, self.place(at), LIST)
            for seq, delivery, ts, count, is_spent in part:
                if is_spent:
                    redelivered[seq] = max(count, 1)
                else:
                    pending[seq] = (delivery, ts + drift)
                    if count > 1:
                        redelivered[seq] = count - 1
            if len(part) < LIST:
                break
            at = part[len(part) - 1][0] + 1
            yield
        return SavedState(
            (self.floor_consumer, self.floor_stream),
            (self.consumer_seq, self.stream_seq), pending, redelivered,
        )

    def encode(self, int64_t now) -> bytes:
        """Bytes of `o.dat`; `now` (ns) is the base that pending times are stored against. Others
        may run meanwhile."""
        cdef size_t room = (self.tail - self.head) * ENTRY_MAX + HEAD_MAX, n
        cdef int64_t base = (now + SECOND // 2) // SECOND
        cdef int64_t drift = drift_ns()
        cdef bytearray made = PyByteArray_FromStringAndSize(NULL, room)
        cdef uint8_t* out = <uint8_t*>PyByteArray_AS_STRING(made)
        with nogil:
            n = self._encode(out, base, drift)
        return PyByteArray_AS_STRING(made)[:n]

    cdef size_t _encode(self, uint8_t* out, int64_t base, int64_t drift) noexcept nogil:
        cdef size_t place, n = 2
        cdef Entry* entry
        cdef uint64_t again = 0
        out[0], out[1] = MAGIC, VERSION
        n += put_uvarint(out + n, self.floor_consumer)
        n += put_uvarint(out + n, self.floor_stream)
        n += put_uvarint(out + n, self.consumer_seq)
        n += put_uvarint(out + n, self.stream_seq)
        n += put_uvarint(out + n, self.open)
        if self.open:
            n += put_uvarint(out + n, zigzag(base))
        for place in range(self.head, self.tail):
            entry = self.at(place)
            if entry.fate == OPEN:
                n += put_uvarint(out + n, entry.seq - self.floor_stream)
                # A floor may have passed an older delivery's number.
                n += put_uvarint(
                    out + n, max(entry.delivery, self.floor_consumer) - self.floor_consumer
                )
                n += put_uvarint(out + n, zigzag(base - (entry.ts + drift) // SECOND))
            again += entry.fate == SPENT or (entry.fate == OPEN and entry.count > 1)
        n += put_uvarint(out + n, again)
        for place in range(self.head, self.tail if again else self.head):
            entry = self.at(place)
            if entry.fate == SPENT or (entry.fate == OPEN and entry.count > 1):
                n += put_uvarint(out + n, entry.seq - self.floor_stream)
                n += put_uvarint(
                    out + n, max(entry.count, 1) if entry.fate == SPENT else entry.count - 1
                )
        return n


POLICIES = {"none": ACK_NONE, "all": ACK_ALL, "explicit": ACK_EXPLICIT, "flow_control": ACK_FLOW}


cdef class ConsumerState:
    """`policy` is an `ack_policy` of configurations. `start` is the first stream sequence that may
    be delivered."""

    def __init__(self, str policy not None, uint64_t start=1):
        self.policy = POLICIES[policy]
        self.stream_seq = self.floor_stream = start - 1

    # -- entries ------------------------------------------------------------------------------

    cdef int _insert(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts,
                     uint8_t fate) except -1:
        cdef Entry* entry = self.put(seq)
        entry.seq, entry.delivery, entry.ts = seq, delivery, ts
        entry.count, entry.fate, entry.queued = count, fate, 0
        self.held += 1
        self.open += fate == OPEN
        self.again += count > 1
        return 0

    cdef int _close(self, size_t place) except -1:
        cdef Entry* entry = self.own(place)
        self._uncount(entry)
        entry.fate = DONE
        self.trim()
        return 0

    cdef void _uncount(self, Entry* entry) noexcept:
        self.open -= entry.fate == OPEN
        self.queued -= entry.fate == OPEN and entry.queued
        self.again -= entry.count > 1
        self.held -= 1

    cdef uint64_t _close_before(self, uint64_t seq) noexcept:
        """Ends everything below a sequence. The highest first delivery among it, or 0."""
        cdef size_t place = self.head
        cdef uint64_t highest = 0
        cdef Entry* entry
        while place < self.tail:
            entry = self.at(place)
            if entry.seq >= seq:
                break
            if entry.fate != DONE:
                self._uncount(entry)
                highest = max(highest, entry.delivery)
            place += 1
        self.drop_to(place)
        self.trim()
        return highest

    # -- operations ---------------------------------------------------------------------------

    cdef int delivered(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts) except -1:
        """A message was delivered for the `count`-th time, as number `delivery` of the consumer; or,
        with the number that it had before, is waited for anew from `ts` on."""
        cdef Entry* entry
        cdef size_t place = 0
        cdef bint known = False
        if self.log is not None:
            self.log.record(Delivered(delivery, seq, count, ts))
        self.changes += 1
        if self.policy == ACK_NONE:
            self.consumer_seq = max(self.consumer_seq, delivery)
            self.stream_seq = max(self.stream_seq, seq)
            self.floor_consumer, self.floor_stream = self.consumer_seq, self.stream_seq
            return 0
        if seq <= self.stream_seq:
            place = self.place(seq)
            known = place < self.tail and self.at(place).seq == seq and self.at(place).fate != DONE
        if not known:
            self._insert(delivery, seq, count, ts, OPEN)
        else:
            entry = self.own(place)
            if entry.fate == SPENT:
                entry.fate = OPEN
                self.open += 1
            self.again += (count > 1) - (entry.count > 1)
            # It keeps the number of its first delivery, by which floors are counted.
            entry.count, entry.ts = count, ts
            if entry.delivery == 0:
                entry.delivery = delivery
        self.redeliveries += count > 1 and delivery > self.consumer_seq
        self.consumer_seq = max(self.consumer_seq, delivery)
        self.stream_seq = max(self.stream_seq, seq)
        return 0

    cdef bint acked(self, uint64_t delivery, uint64_t seq) except -1:
        """A message is acknowledged, or no longer to be; with ACK_ALL and ACK_FLOW, all up to it.
        `delivery` is the consumer sequence that the acknowledgement names. Whether that changed
        anything."""
        if self.log is not None:
            self.log.record(Acked(delivery, seq))
        if self.policy == ACK_NONE:
            return False
        if self.policy == ACK_EXPLICIT:
            return self._close_one(seq)
        delivery = min(delivery, self.consumer_seq)  # whatever the acknowledgement says
        if delivery <= self.floor_consumer or seq <= self.floor_stream:
            return False
        self.changes += 1
        self._close_before(seq + 1)
        self.floor_consumer, self.floor_stream = delivery, seq
        return True

    cdef int struck(self, uint64_t seq) except -1:
        """A single message is not waited for any more, whatever the policy: it has gone."""
        if self.log is not None:
            self.log.record(Struck(seq))
        self._close_one(seq)
        return 0

    cdef bint _close_one(self, uint64_t seq) except -1:
        """Ends what was waited for, or was out of deliveries; whether it was waited for."""
        cdef size_t place = self.place(seq)
        cdef Entry* entry
        cdef uint64_t delivery
        cdef bint was_open
        if place >= self.tail:
            return False
        entry = self.at(place)
        if entry.seq != seq or entry.fate == DONE:
            return False
        self.changes += 1
        delivery, was_open = entry.delivery, entry.fate == OPEN
        self._close(place)
        if was_open:
            self._advance(delivery, seq)
        return was_open

    cdef int _advance(self, uint64_t delivery, uint64_t seq) except -1:
        """The floors after one more needs no acknowledgement. What is out of deliveries holds them
        until nothing else is waited for, or until what is waited for lies behind it."""
        cdef size_t place
        cdef Entry* entry
        if self.open == 0:
            self.floor_consumer, self.floor_stream = self.consumer_seq, self.stream_seq
        elif delivery == self.floor_consumer + 1:
            place = self.place(seq)
            while place < self.tail and self.at(place).fate != OPEN:
                place += 1
            if place < self.tail and self.at(place).delivery:
                entry = self.at(place)
                self.floor_consumer = entry.delivery - 1
                self.floor_stream = entry.seq - 1
        if (
            not self.keeps_spent and self.head < self.tail
            and self.at(self.head).seq <= self.floor_stream
        ):
            self._close_before(self.floor_stream + 1)
        return 0

    cdef int spent(self, uint64_t seq) except -1:
        """A message is not delivered again."""
        cdef size_t place = self.place(seq)
        cdef Entry* entry
        if self.log is not None:
            self.log.record(Spent(seq))
        if place < self.tail and self.at(place).seq == seq and self.at(place).fate == OPEN:
            self.changes += 1
            self.open -= 1
            entry = self.own(place)
            self.queued -= entry.queued
            entry.fate, entry.queued = SPENT, 0
        return 0

    cdef void mark(self, Entry* entry, bint queued) noexcept:
        """Whether an OPEN entry is to be delivered again."""
        self.queued += queued - <int>entry.queued
        entry.queued = queued

    def purged(self, uint64_t first_seq):
        """The stream's messages below `first_seq` have been purged."""
        if self.log is not None:
            self.log.record(Purged(first_seq))
        self.changes += 1
        if first_seq <= self.floor_stream + 1:
            self._close_before(first_seq)
        else:
            self.stream_seq = max(self.stream_seq, first_seq - 1)
            self.floor_consumer = max(self.floor_consumer, self._close_before(first_seq))
            self.consumer_seq = max(self.consumer_seq, self.floor_consumer)
            self.floor_stream = first_seq - 1
        if self.held == 0:
            self.floor_consumer, self.floor_stream = self.consumer_seq, self.stream_seq

    def reset(self, uint64_t start):
        """Begins again at the stream sequence `start`, with consumer sequence 1."""
        if self.log is not None:
            self.log.record(ResetTo(start))
        self.changes += 1
        self._forget()
        self.consumer_seq = self.floor_consumer = 0
        self.stream_seq = self.floor_stream = start - 1

    def _forget(self):
        self.clear()
        self.open = self.held = self.again = self.queued = 0

    # The same for Python: of tests and of whoever replays a log.

    def apply(self, operation) -> None:
        """Does what the operation says (`consumer.operations`)."""
        if isinstance(operation, Delivered):
            self.delivered(operation.delivery, operation.seq, operation.count, operation.ts)
        elif isinstance(operation, Acked):
            self.acked(operation.delivery, operation.seq)
        elif isinstance(operation, Struck):
            self.struck(operation.seq)
        elif isinstance(operation, Spent):
            self.spent(operation.seq)
        elif isinstance(operation, Purged):
            self.purged(operation.first_seq)
        elif isinstance(operation, ResetTo):
            self.reset(operation.start)
        else:
            raise TypeError(f"not of a consumer's state: {operation!r}")

    def apply_delivered(self, delivery: int, seq: int, count: int, ts: int) -> None:
        """See `delivered`."""
        self.delivered(delivery, seq, count, ts)

    def apply_acked(self, delivery: int, seq: int) -> bool:
        """See `acked`."""
        return self.acked(delivery, seq)

    def apply_struck(self, seq: int) -> None:
        """See `struck`."""
        self.struck(seq)

    def apply_spent(self, seq: int) -> None:
        """See `spent`."""
        self.spent(seq)

    # -- outside ------------------------------------------------------------------------------

    def entries_from(self, uint64_t seq=0, most: int = 1 << 60) -> list:
        """[(stream sequence, consumer sequence, ts, deliveries, whether SPENT)] of what is held."""
        return listed(self, self.place(seq), most)

    def to_save(self) -> Snapshot:
        """The state as it is now; from now on it counts as saved."""
        self.dirty = False
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        """The state as it is now, whatever becomes of it."""
        cdef Snapshot made = Snapshot.__new__(Snapshot)
        made.share(self)
        made.floor_consumer, made.floor_stream = self.floor_consumer, self.floor_stream
        made.consumer_seq, made.stream_seq = self.consumer_seq, self.stream_seq
        made.open = self.open
        return made

    def saved(self) -> SavedState:
        """What the file and backups keep."""
        return finish(self.snapshot().saving())

    def restore(self, saved: SavedState) -> None:
        """Continues from what was saved. Raises ValueError when that contradicts itself."""
        cdef uint64_t seq
        cdef int64_t drift = drift_ns()
        self._forget()
        self.floor_consumer, self.floor_stream = saved.ack_floor
        self.consumer_seq, self.stream_seq = saved.delivered
        if self.floor_stream > self.stream_seq or self.floor_consumer > self.consumer_seq:
            raise ValueError("more is acknowledged than delivered")
        if self.policy == ACK_NONE:
            return
        for seq in sorted({*saved.pending, *saved.redelivered}):
            if (seq <= self.floor_stream and seq in saved.pending) or seq > self.stream_seq:
                raise ValueError(f"sequence {seq} waits outside of what was delivered")
            count = saved.redelivered.get(seq, 0)
            if seq in saved.pending:
                delivery, ts = saved.pending[seq]
                self._insert(delivery, seq, count + 1, ts - drift, OPEN)
            else:
                self._insert(0, seq, count, 0, SPENT)
        self.changes += 1

    def digest(self) -> str:
        """A hash of everything that replicas must have alike."""
        told = hashlib.sha256(struct.pack(
            "<5Q", self.policy, self.floor_consumer, self.floor_stream, self.consumer_seq,
            self.stream_seq,
        ))
        for entry in self.entries_from():
            told.update(struct.pack("<QQqI?", *entry))
        return told.hexdigest()
