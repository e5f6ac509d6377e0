"""What becomes of what was delivered: it is acknowledged, or delivered again.

`Awaiting` notes deliveries in the consumer's state, knows until when each acknowledgement is waited
for, and keeps the queue of what is to be delivered again.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.jetstream.consumer.delivery.alarms cimport Alarmed, Alarms
from pynats_server.jetstream.consumer.delivery.entries cimport Entry
from pynats_server.jetstream.consumer.delivery.finding cimport Finder, Found
from pynats_server.jetstream.consumer.delivery.interest cimport Interest
from pynats_server.jetstream.consumer.delivery.state cimport ConsumerState, Snapshot
from pynats_server.jetstream.store.block cimport Block


cdef class Awaiting(Finder):
    cdef readonly ConsumerState state
    # Of the configuration; 0 = unlimited.
    cdef readonly uint64_t max_deliver
    cdef readonly uint64_t max_ack_pending
    cdef int64_t ack_wait_ns
    cdef list backoff_ns
    cdef bint retains  # the stream keeps messages for its consumers' sake
    cdef uint32_t sample  # percent
    cdef readonly int64_t last_acked_ns  # steady clock
    cdef uint64_t marked  # changes of the state that were noticed
    # For redelivery, in order.
    cdef uint64_t* again
    cdef size_t again_head, again_tail, again_room
    cdef Entry* entry  # of the redelivery that was found
    # For those whose time is over.
    cdef int64_t look_at  # when to look for them; 0 = nobody is waited for, or it is looked for them
    cdef uint64_t looking  # the sequence where to look on; 0 = none
    cdef int64_t soonest  # of those that were looked at
    cdef int64_t due_before  # what was delivered until then is due, whatever its wait

    # Messages to deliver, for the first time or again.
    cdef uint64_t deliverable(self) except? 0xFFFFFFFFFFFFFFFF
    cdef bint has_again(self) noexcept  # something is to be delivered again
    cdef bint is_at_limit(self) noexcept  # as many wait for their acknowledgement as may
    cdef Found find_again(self) except *
    cdef int delivered(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t now) except -1
    cdef int strike(self, uint64_t seq) except -1
    cdef bint is_mine(self, uint64_t seq) except -1
    cdef int interest_done(self, uint64_t seq) except -1
    cdef int release_to(self, Snapshot closed, uint64_t last) except -1
    cdef int wait_until(self, int64_t due) except -1
    cdef int wait_from(self, Entry* entry, int64_t ts) except -1
    cdef int put_again(self, Entry* entry) except -1
    cdef int64_t wait_ns(self, uint32_t count) noexcept
    cdef int exhaust(self, Entry* entry) except -1
    cdef int64_t expire(self, int64_t now) except -1
    cdef int changed(self) except -1
    cdef int ack(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1
    cdef int confirm(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1
    cdef int nak(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t delay_ns) except -1
    cdef int terminate(self, uint64_t delivery, uint64_t seq, uint32_t count, reason) except -1
