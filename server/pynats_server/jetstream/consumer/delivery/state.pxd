"""How far a consumer has come: the part of it that every replica has alike.

Changed only by its operations (`delivered`, `acked`, `struck`, `spent`, `purged`, `reset`), which
use no clock: a log of them on an empty state gives the same state (`digest`).
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t


cdef enum AckPolicy:
    ACK_NONE
    ACK_ALL
    ACK_EXPLICIT
    ACK_FLOW


cdef enum Fate:
    OPEN  # delivered and not acknowledged
    DONE  # acknowledged: the place is free
    SPENT  # delivered as often as allowed: not waited for, but an acknowledgement still counts


cdef struct Entry:
    # A message that was delivered.
    uint64_t seq  # in the stream
    uint64_t delivery  # consumer sequence of its first delivery
    int64_t ts  # ns since 1970, from which its acknowledgement is waited for
    uint32_t count  # deliveries so far
    uint8_t fate
    uint8_t queued  # for redelivery; not part of the state


cdef class ConsumerState:
    cdef readonly AckPolicy policy
    cdef readonly uint64_t consumer_seq, stream_seq  # delivered up to here
    cdef readonly uint64_t floor_consumer, floor_stream  # everything up to here is acknowledged
    cdef readonly uint64_t open  # entries that are OPEN
    cdef readonly uint64_t held  # entries that are OPEN or SPENT
    cdef readonly uint64_t again  # of them, those delivered more than once
    cdef readonly uint64_t changes  # operations so far
    cdef public object log  # None, or told of every operation by `record`
    cdef public bint dirty  # whoever saves it knows that it has changed
    # Whether what is SPENT stays until it is acknowledged or gone, also behind the floor: the stream
    # keeps such a message for the consumer's sake.
    cdef public bint keeps_spent
    # Entries by ascending sequence, from `head` on; the first and the last of them are not DONE.
    cdef Entry* entries
    cdef size_t head, tail, room

    cdef Entry* find(self, uint64_t seq) noexcept
    # The place of the first entry at or after `seq`; `tail` when there is none.
    cdef size_t place(self, uint64_t seq) noexcept

    cdef int delivered(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts) except -1
    cdef bint acked(self, uint64_t delivery, uint64_t seq) except -1
    cdef int struck(self, uint64_t seq) except -1
    cdef int spent(self, uint64_t seq) except -1

    cdef int _insert(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t ts,
                     uint8_t fate) except -1
    cdef int _reserve(self) except -1
    cdef void _squeeze(self) noexcept
    cdef void _close(self, Entry* entry) noexcept
    cdef bint _close_one(self, uint64_t seq) except -1
    cdef void _trim(self) noexcept
    cdef void _advance(self, uint64_t delivery, uint64_t seq) noexcept
