"""See staging.pxd.

A message of a pack is a `Head` followed by subject, headers and payload, so that a batch costs one
allocation that grows, and committing it is one walk into the store's buffer.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.interest.message cimport Message
from pynats_server.core.protocol.headers cimport Header, Span, header_at, is_nats, next_line
from pynats_server.jetstream.store.record cimport RECORD_MAX, record_size
from pynats_server.jetstream.store.retention cimport Retention

from pynats_server.core.protocol.headers import add as add_header
from pynats_server.jetstream.store.errors import StoreFailed, TooLarge

cdef struct Head:
    uint32_t subject_len
    uint32_t headers_len
    uint32_t payload_len
    uint32_t skipped  # uses up a sequence and is not kept

cdef struct BatchHeaders:
    Span id
    Span sequence
    bint commit
    bint level  # Nats-Required-Api-Level: the header itself is not kept
    bint others  # headers that are checked before the batch commits

cdef enum:
    PACK_MIN = 4096
    SUBJECT_MAX = 65535  # bytes of a subject in a record
    SEQUENCE_DIGITS = 18  # more cannot be a sequence in a batch


def clock() -> int:
    """The time `Batch.touched` is measured in: ns, never set back."""
    return monotonic_ns()


cdef inline bint _is(
    const char* name, Py_ssize_t size, const char* wanted, Py_ssize_t wanted_size
) noexcept nogil:
    return size == wanted_size and memcmp(name, wanted, wanted_size) == 0


cdef void scan_batch_headers(
    const char* block, Py_ssize_t size, BatchHeaders* found
) noexcept nogil:
    """What a header block says about a batch."""
    cdef Py_ssize_t line = next_line(block, size, 0)
    cdef Py_ssize_t length
    cdef const char* name
    cdef Header header
    found.id.start = found.sequence.start = -1
    found.commit = found.level = found.others = False
    while line >= 0:
        if not is_nats(block, size, line):
            line = next_line(block, size, line)
            continue
        header = header_at(block, size, line)
        name, length = block + line, header.colon - line
        line = header.following
        if header.colon < 0:
            continue
        if _is(name, length, b"Nats-Batch-Id", 13):
            if found.id.start < 0:
                found.id = header.value
        elif _is(name, length, b"Nats-Batch-Sequence", 19):
            if found.sequence.start < 0:
                found.sequence = header.value
        elif _is(name, length, b"Nats-Batch-Commit", 17):
            found.commit = True
        elif _is(name, length, b"Nats-Required-Api-Level", 23):
            found.level = True
        else:
            found.others = True


def needs_check(bytes headers not None) -> bool:
    """Whether a block has `Nats-` headers other than those of a batch."""
    cdef BatchHeaders found
    scan_batch_headers(PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers), &found)
    return found.others


cdef class MessagePack:
    """Messages in one growing buffer, in order."""

    def __dealloc__(self):
        free(self.data)

    @property
    def nbytes(self) -> int:
        """Bytes of the buffer that are in use."""
        return self.used

    @property
    def stored_bytes(self) -> int:
        """Upper bound of what its records take in a block; skipped ones take less."""
        return self.recorded

    cdef int put(
        self, const char* subject, size_t subject_len, const char* headers, size_t headers_len,
        const char* payload, size_t payload_len, bint skipped,
    ) except -1:
        cdef size_t need = sizeof(Head) + subject_len + headers_len + payload_len
        cdef size_t capacity, record
        cdef char* grown
        cdef char* p
        cdef Head head
        if self.capacity - self.used < need:
            capacity = max(self.capacity * 2, self.used + need, <size_t>PACK_MIN)
            grown = <char*>realloc(self.data, capacity)
            if grown == NULL:
                raise MemoryError()
            self.data = grown
            self.capacity = capacity
        head.subject_len = <uint32_t>subject_len
        head.headers_len = <uint32_t>headers_len
        head.payload_len = <uint32_t>payload_len
        head.skipped = skipped
        p = self.data + self.used
        memcpy(p, &head, sizeof(Head))
        p += sizeof(Head)
        memcpy(p, subject, subject_len)
        p += subject_len
        if headers_len:  # else there may be no pointer at all
            memcpy(p, headers, headers_len)
        p += headers_len
        if payload_len:
            memcpy(p, payload, payload_len)
        self.last = self.used
        self.used += need
        self.count += 1
        record = record_size(subject_len, headers_len, payload_len)
        self.recorded += record
        if record > RECORD_MAX or subject_len > SUBJECT_MAX:
            self.too_large = True
        return 0

    def add(
        self, bytes subject not None, bytes headers not None, bytes payload not None,
        bint skipped=False,
    ) -> None:
        """Appends a message. A `skipped` one only uses up a sequence."""
        self.put(
            PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject),
            PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers),
            PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), skipped,
        )

    def mark_last(self, bytes name not None, bytes value not None) -> None:
        """Adds a header to the last message."""
        cdef Head head
        cdef const char* p
        if not self.count:
            raise IndexError("the pack is empty")
        memcpy(&head, self.data + self.last, sizeof(Head))
        p = self.data + self.last + sizeof(Head)
        subject = p[:head.subject_len]
        p += head.subject_len
        headers = p[:head.headers_len]
        p += head.headers_len
        payload = p[:head.payload_len]
        self.used = self.last
        self.recorded -= record_size(head.subject_len, head.headers_len, head.payload_len)
        self.count -= 1
        self.add(subject, add_header(headers, name, value), payload, head.skipped)

    def __iter__(self):
        """(subject, headers, payload, skipped) of each message."""
        cdef size_t at = 0
        cdef Head head
        cdef const char* p
        while at < self.used:
            memcpy(&head, self.data + at, sizeof(Head))
            p = self.data + at + sizeof(Head)
            at += sizeof(Head) + head.subject_len + head.headers_len + head.payload_len
            yield (
                PyBytes_FromStringAndSize(p, head.subject_len),
                PyBytes_FromStringAndSize(p + head.subject_len, head.headers_len),
                PyBytes_FromStringAndSize(
                    p + head.subject_len + head.headers_len, head.payload_len
                ),
                <bint>head.skipped,
            )

    def subjects(self) -> list:
        """The different subjects, in order."""
        cdef size_t at = 0
        cdef Head head
        cdef const char* previous = NULL
        cdef const char* subject
        cdef size_t previous_len = 0
        cdef dict found = {}
        while at < self.used:
            memcpy(&head, self.data + at, sizeof(Head))
            subject = self.data + at + sizeof(Head)
            if head.subject_len != previous_len or memcmp(previous, subject, previous_len) != 0:
                found[PyBytes_FromStringAndSize(subject, head.subject_len)] = None
                previous, previous_len = subject, head.subject_len
            at += sizeof(Head) + head.subject_len + head.headers_len + head.payload_len
        return list(found)

    def append_to(self, Retention store not None, int64_t ts) -> int:
        """Appends every message to the store, all to one block, so that one write takes them
        to the disk. Returns the last sequence. Raises StoreError; only on MemoryError may some
        have been appended."""
        cdef size_t block_size = store.block_size
        cdef size_t taken
        if self.too_large:
            raise TooLarge("a record of the batch is too large")
        if store.failed is not None:
            raise StoreFailed(str(store.failed))
        taken = store.tail.buffered if store.tail is not None else 0
        if store.tail is None or (taken and taken + self.stored_bytes > block_size):
            store.roll_block()
            taken = store.tail.buffered
        store.block_size = max(block_size, taken + <size_t>self.stored_bytes)
        try:
            return self._append_all(store, ts)
        finally:
            store.block_size = block_size

    cdef uint64_t _append_all(self, Retention store, int64_t ts) except 0:
        cdef size_t at = 0
        cdef uint64_t seq = 0
        cdef Head head
        cdef const uint8_t* p
        while at < self.used:
            memcpy(&head, self.data + at, sizeof(Head))
            p = <const uint8_t*>self.data + at + sizeof(Head)
            at += sizeof(Head) + head.subject_len + head.headers_len + head.payload_len
            if head.skipped:
                seq = store.skip(1, ts)
                store.last_ts = ts
                continue
            seq = store.append_raw(
                p, head.subject_len, p + head.subject_len, head.headers_len,
                p + head.subject_len + head.headers_len, head.payload_len, ts,
            )
        return seq


cdef class Batch(MessagePack):
    """An open batch. `touched` is when its last message came (`clock`)."""

    def __init__(self, bytes id not None):
        self.id = id
        self.plain = True
        self.touched = monotonic_ns()


cdef class Staging:
    """The open batches of one stream. `max_bytes` bounds what all of them hold in memory,
    `max_msgs` the messages of one."""

    def __init__(self, max_msgs: int, max_bytes: int):
        self.batches = {}
        self.max_msgs = max_msgs
        self.max_bytes = max_bytes

    cdef bint has_room(self, size_t more) noexcept:
        return self.nbytes + sizeof(Head) + more <= self.max_bytes

    cdef Batch find(self, const char* id, size_t length):
        cdef Batch recent = self.recent
        if (
            recent is None
            or <size_t>PyBytes_GET_SIZE(recent.id) != length
            or memcmp(PyBytes_AS_STRING(recent.id), id, length) != 0
        ):
            recent = self.batches.get(PyBytes_FromStringAndSize(id, length))
            if recent is not None:
                self.recent = recent
        return recent

    cdef bint offer(self, Message* msg) except -1:
        cdef BatchHeaders found
        cdef Batch batch
        cdef uint64_t sequence = 0
        cdef Py_ssize_t i
        cdef size_t used
        if not self.batches:
            return False
        scan_batch_headers(msg.payload, msg.header_len, &found)
        if (
            found.id.start < 0 or found.commit or found.level or found.sequence.start < 0
            or found.sequence.end - found.sequence.start > SEQUENCE_DIGITS
            or found.sequence.end == found.sequence.start
        ):
            return False
        for i in range(found.sequence.start, found.sequence.end):
            if not 48 <= msg.payload[i] <= 57:
                return False
            sequence = sequence * 10 + <uint64_t>(msg.payload[i] - 48)
        batch = self.find(msg.payload + found.id.start, found.id.end - found.id.start)
        if (
            batch is None or sequence != batch.count + 1 or sequence > self.max_msgs
            or not self.has_room(msg.subject_len + msg.total_len)
        ):
            return False
        used = batch.used
        batch.put(
            msg.subject, msg.subject_len, msg.payload, msg.header_len,
            msg.payload + msg.header_len, msg.total_len - msg.header_len, False,
        )
        self.nbytes += batch.used - used
        if found.others:
            batch.plain = False
        batch.touched = monotonic_ns()
        return True

    def open(self, bytes id not None) -> Batch:
        """A new batch; the caller checks the limits."""
        cdef Batch batch = Batch(id)
        self.batches[id] = batch
        self.recent = batch
        return batch

    def add(
        self, Batch batch not None, bytes subject not None, bytes headers not None,
        bytes payload not None,
    ) -> bool:
        """Appends a message to a batch; False when that would pass `max_bytes`."""
        cdef size_t used = batch.used
        if not self.has_room(len(subject) + len(headers) + len(payload)):
            return False
        batch.add(subject, headers, payload)
        self.nbytes += batch.used - used
        if needs_check(headers):
            batch.plain = False
        return True

    def close(self, Batch batch not None) -> None:
        """Forgets a batch. Idempotent."""
        if self.batches.get(batch.id) is batch:
            del self.batches[batch.id]
            self.nbytes -= batch.used
        if self.recent is batch:
            self.recent = None
