"""How far a consumer has come: the part of it that every replica has alike.

Changed only by its operations (`delivered`, `acked`, `struck`, `spent`, `purged`, `reset`), which
use no clock: a log of them on an empty state gives the same state (`digest`).
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.jetstream.consumer.delivery.entries cimport Entries, Entry


cdef enum AckPolicy:
    ACK_NONE
    ACK_ALL
    ACK_EXPLICIT
    ACK_FLOW


cdef class Snapshot(Entries):
    """A state as it was at some moment; also for threads."""
    cdef readonly uint64_t consumer_seq, stream_seq, floor_consumer, floor_stream, open

    cdef size_t _encode(self, uint8_t* out, int64_t base, int64_t drift) noexcept nogil


cdef class ConsumerState(Entries):
    cdef readonly AckPolicy policy
    cdef readonly uint64_t consumer_seq, stream_seq  # delivered up to here
    cdef readonly uint64_t floor_consumer, floor_stream  # everything up to here is acknowledged
    cdef readonly uint64_t open  # entries that are OPEN
    cdef readonly uint64_t again  # entries that were delivered more than once
    cdef readonly uint64_t redeliveries  # deliveries but for the first of each message, since the start
    cdef readonly uint64_t queued  # OPEN entries that are to be delivered again
    cdef readonly uint64_t changes  # operations so far
    cdef public object log  # None, or told of every operation by `record`
    cdef public bint dirty  # whoever saves it knows that it has changed
    # Whether what is SPENT stays until it is acknowledged or gone, also behind the floor: the stream
    # keeps such a message for the consumer's sake.
    cdef public bint keeps_spent

    cdef int delivered(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts) except -1
    cdef bint acked(self, uint64_t delivery, uint64_t seq) except -1
    cdef int struck(self, uint64_t seq) except -1
    cdef int spent(self, uint64_t seq) except -1
    cdef void mark(self, Entry* entry, bint queued) noexcept

    cdef int _insert(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts,
                     uint8_t fate) except -1
    cdef void _uncount(self, Entry* entry) noexcept
    cdef int _close(self, size_t place) except -1
    cdef bint _close_one(self, uint64_t seq) except -1
    cdef uint64_t _close_before(self, uint64_t seq) noexcept
    cdef int _advance(self, uint64_t delivery, uint64_t seq) except -1
