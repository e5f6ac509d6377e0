"""See state.pxd."""
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memmove

from pynats_server.jetstream.store.format.varint cimport UVARINT_MAX, put_uvarint

import hashlib
import struct

from pynats_server.jetstream.consumer.operations import (
    Acked, Delivered, Purged, ResetTo, Spent, Struck,
)
from pynats_server.jetstream.store.format.consumer_state import ConsumerState as SavedState

cdef int64_t SECOND = 1_000_000_000

cdef enum:
    MAGIC = 22
    VERSION = 2
    ENTRY_MAX = 5 * UVARINT_MAX
    HEAD_MAX = 2 + 7 * UVARINT_MAX


cdef inline uint64_t zigzag(int64_t value) noexcept nogil:
    return (<uint64_t>value << 1) ^ <uint64_t>(value >> 63)


POLICIES = {"none": ACK_NONE, "all": ACK_ALL, "explicit": ACK_EXPLICIT, "flow_control": ACK_FLOW}


cdef class ConsumerState:
    """`policy` is an `ack_policy` of configurations. `start` is the first stream sequence that may
    be delivered."""

    def __init__(self, str policy not None, uint64_t start=1):
        self.policy = POLICIES[policy]
        self.stream_seq = self.floor_stream = start - 1

    def __dealloc__(self):
        free(self.entries)

    # -- entries ------------------------------------------------------------------------------

    cdef size_t place(self, uint64_t seq) noexcept:
        cdef size_t low = self.head, high = self.tail, middle
        if low < high and self.entries[high - 1].seq < seq:
            return high
        # Without gaps the place is known: most consumers have none.
        if low < high and self.entries[low].seq <= seq:
            middle = low + (seq - self.entries[low].seq)
            if middle < high and self.entries[middle].seq == seq:
                return middle
        while low < high:
            middle = (low + high) >> 1
            if self.entries[middle].seq < seq:
                low = middle + 1
            else:
                high = middle
        return low

    cdef Entry* find(self, uint64_t seq) noexcept:
        cdef size_t at = self.place(seq)
        if at < self.tail and self.entries[at].seq == seq and self.entries[at].fate != DONE:
            return &self.entries[at]
        return NULL

    cdef int _reserve(self) except -1:
        cdef size_t room
        cdef Entry* grown
        if self.tail < self.room:
            return 0
        if self.held < self.room // 2:
            self._squeeze()
            return 0
        room = max(self.room * 2, 8)
        grown = <Entry*>realloc(self.entries, room * sizeof(Entry))
        if grown == NULL:
            raise MemoryError()
        self.entries = grown
        self.room = room
        return 0

    cdef void _squeeze(self) noexcept:
        """Without the places of what is DONE: something old may stay open for long."""
        cdef size_t at, end = 0
        for at in range(self.head, self.tail):
            if self.entries[at].fate != DONE:
                self.entries[end] = self.entries[at]
                end += 1
        self.head, self.tail = 0, end

    cdef int _insert(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts,
                     uint8_t fate) except -1:
        cdef size_t at
        cdef Entry* entry
        self._reserve()
        at = self.place(seq)
        if at < self.tail and self.entries[at].seq == seq:
            if self.entries[at].fate != DONE:
                raise ValueError(f"sequence {seq} is open already")
        else:
            if at < self.tail:
                memmove(
                    self.entries + at + 1, self.entries + at, (self.tail - at) * sizeof(Entry)
                )
            self.tail += 1
        entry = &self.entries[at]
        entry.seq, entry.delivery, entry.ts = seq, delivery, ts
        entry.count, entry.fate, entry.queued = count, fate, 0
        self.held += 1
        self.open += fate == OPEN
        self.again += count > 1
        return 0

    cdef void _close(self, Entry* entry) noexcept:
        self.open -= entry.fate == OPEN
        self.again -= entry.count > 1
        entry.fate = DONE
        self.held -= 1
        self._trim()

    cdef void _trim(self) noexcept:
        while self.head < self.tail and self.entries[self.head].fate == DONE:
            self.head += 1
        while self.tail > self.head and self.entries[self.tail - 1].fate == DONE:
            self.tail -= 1
        if self.head == self.tail:
            self.head = self.tail = 0
            if self.room > 4096:
                free(self.entries)
                self.entries = NULL
                self.room = 0

    # -- operations ---------------------------------------------------------------------------

    cdef int delivered(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts) except -1:
        """A message was delivered for the `count`-th time, as number `delivery` of the consumer; or,
        with the number that it had before, is waited for anew from `ts` on."""
        cdef Entry* entry
        if self.log is not None:
            self.log.record(Delivered(delivery, seq, count, ts))
        self.changes += 1
        if self.policy == ACK_NONE:
            self.consumer_seq = max(self.consumer_seq, delivery)
            self.stream_seq = max(self.stream_seq, seq)
            self.floor_consumer, self.floor_stream = self.consumer_seq, self.stream_seq
            return 0
        entry = NULL if seq > self.stream_seq else self.find(seq)
        if entry == NULL:
            self._insert(delivery, seq, count, ts, OPEN)
        else:
            if entry.fate == SPENT:
                entry.fate = OPEN
                self.open += 1
            self.again += (count > 1) - (entry.count > 1)
            # It keeps the number of its first delivery, by which floors are counted.
            entry.count, entry.ts = count, ts
            if entry.delivery == 0:
                entry.delivery = delivery
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
        while self.head < self.tail and self.entries[self.head].seq <= seq:
            self._close(&self.entries[self.head])
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
        cdef Entry* entry = self.find(seq)
        cdef uint64_t delivery
        cdef bint was_open
        if entry == NULL:
            return False
        self.changes += 1
        delivery, was_open = entry.delivery, entry.fate == OPEN
        self._close(entry)
        if was_open:
            self._advance(delivery, seq)
        return was_open

    cdef void _advance(self, uint64_t delivery, uint64_t seq) noexcept:
        """The floors after one more needs no acknowledgement. What is out of deliveries holds them
        until nothing else is waited for, or until what is waited for lies behind it."""
        cdef size_t at
        if self.open == 0:
            self.floor_consumer, self.floor_stream = self.consumer_seq, self.stream_seq
        elif delivery == self.floor_consumer + 1:
            at = self.place(seq)
            while at < self.tail and self.entries[at].fate != OPEN:
                at += 1
            if at < self.tail and self.entries[at].delivery:
                self.floor_consumer = self.entries[at].delivery - 1
                self.floor_stream = self.entries[at].seq - 1
        if self.keeps_spent:
            return
        while self.head < self.tail and self.entries[self.head].seq <= self.floor_stream:
            self._close(&self.entries[self.head])

    cdef int spent(self, uint64_t seq) except -1:
        """A message is not delivered again."""
        cdef Entry* entry = self.find(seq)
        if self.log is not None:
            self.log.record(Spent(seq))
        if entry != NULL and entry.fate == OPEN:
            self.changes += 1
            self.open -= 1
            entry.fate = SPENT
        return 0

    def purged(self, uint64_t first_seq):
        """The stream's messages below `first_seq` have been purged."""
        cdef Entry* entry
        if self.log is not None:
            self.log.record(Purged(first_seq))
        if first_seq <= self.floor_stream + 1:
            while self.head < self.tail and self.entries[self.head].seq < first_seq:
                self.changes += 1
                self._close(&self.entries[self.head])
            return
        self.changes += 1
        self.stream_seq = max(self.stream_seq, first_seq - 1)
        while self.head < self.tail and self.entries[self.head].seq < first_seq:
            entry = &self.entries[self.head]
            self.floor_consumer = max(self.floor_consumer, entry.delivery)
            self._close(entry)
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
        self.head = self.tail = 0
        self.open = self.held = self.again = 0

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
        cdef size_t at = self.place(seq)
        found = []
        while at < self.tail and len(found) < most:
            if self.entries[at].fate != DONE:
                found.append((
                    self.entries[at].seq, self.entries[at].delivery, self.entries[at].ts,
                    self.entries[at].count, self.entries[at].fate == SPENT,
                ))
            at += 1
        return found

    def saved(self) -> SavedState:
        """What the file and backups keep."""
        pending, redelivered = {}, {}
        for seq, delivery, ts, count, is_spent in self.entries_from():
            if is_spent:
                redelivered[seq] = max(count, 1)
            else:
                pending[seq] = (delivery, ts)
                if count > 1:
                    redelivered[seq] = count - 1
        return SavedState(
            (self.floor_consumer, self.floor_stream),
            (self.consumer_seq, self.stream_seq), pending, redelivered,
        )

    def restore(self, saved: SavedState) -> None:
        """Continues from what was saved. Raises ValueError when that contradicts itself."""
        cdef uint64_t seq
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
                self._insert(delivery, seq, count + 1, ts, OPEN)
            else:
                self._insert(0, seq, count, 0, SPENT)
        self.changes += 1

    def encode(self, int64_t now) -> bytes:
        """Bytes of `o.dat`; `now` (ns) is the base that pending times are stored against."""
        cdef size_t at
        cdef Entry* entry
        cdef int64_t base = (now + SECOND // 2) // SECOND
        cdef uint64_t again = 0
        cdef uint8_t* out = <uint8_t*>malloc((self.tail - self.head) * ENTRY_MAX + HEAD_MAX)
        cdef size_t n = 0
        if out == NULL:
            raise MemoryError()
        self.dirty = False
        out[0], out[1] = MAGIC, VERSION
        n = 2
        n += put_uvarint(out + n, self.floor_consumer)
        n += put_uvarint(out + n, self.floor_stream)
        n += put_uvarint(out + n, self.consumer_seq)
        n += put_uvarint(out + n, self.stream_seq)
        n += put_uvarint(out + n, self.open)
        if self.open:
            n += put_uvarint(out + n, zigzag(base))
        for at in range(self.head, self.tail):
            entry = &self.entries[at]
            if entry.fate == OPEN:
                n += put_uvarint(out + n, entry.seq - self.floor_stream)
                # A floor may have passed an older delivery's number.
                n += put_uvarint(
                    out + n, max(entry.delivery, self.floor_consumer) - self.floor_consumer
                )
                n += put_uvarint(out + n, zigzag(base - entry.ts // SECOND))
            again += entry.fate == SPENT or (entry.fate == OPEN and entry.count > 1)
        n += put_uvarint(out + n, again)
        for at in range(self.head, self.tail if again else self.head):
            entry = &self.entries[at]
            if entry.fate == SPENT or (entry.fate == OPEN and entry.count > 1):
                n += put_uvarint(out + n, entry.seq - self.floor_stream)
                n += put_uvarint(
                    out + n, max(entry.count, 1) if entry.fate == SPENT else entry.count - 1
                )
        try:
            return (<const char*>out)[:n]
        finally:
            free(out)

    def digest(self) -> str:
        """A hash of everything that replicas must have alike."""
        told = hashlib.sha256(struct.pack(
            "<5Q", self.policy, self.floor_consumer, self.floor_stream, self.consumer_seq,
            self.stream_seq,
        ))
        for entry in self.entries_from():
            told.update(struct.pack("<QQqI?", *entry))
        return told.hexdigest()
