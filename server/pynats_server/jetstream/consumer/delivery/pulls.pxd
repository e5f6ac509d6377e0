"""Pull consumers: the requests that wait, and who of them gets the next message."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.consumer.delivery.feed cimport Feed, Given


cdef class Pull:
    """A request that waits for messages; one is served in turn with the others."""
    cdef readonly bytes inbox
    cdef readonly uint64_t left  # messages
    cdef readonly bint sized  # has a limit of bytes
    cdef readonly int64_t bytes_left
    cdef readonly int64_t ends_ns  # wall clock; 0 = never
    cdef readonly bint no_wait  # answered as soon as there is nothing more...
    cdef readonly bint patient  # ...but not before it has got something
    cdef readonly bint fed  # has got something
    cdef readonly int64_t heartbeat_ns, beat_at
    cdef readonly str group, pin
    cdef readonly uint64_t min_pending, min_ack_pending
    cdef readonly int priority


cdef class PullFeed(Feed):
    cdef list waiting  # Pulls, the next to be served first
    cdef Pull pull  # to get what is found
    cdef Match* match  # who listens to its inbox; for as long as nobody else is asked
    cdef uint64_t max_waiting
    cdef uint64_t max_batch
    cdef int64_t max_expires_ns
    cdef int64_t max_bytes
    cdef int64_t swept_ns

    # Which of the waiting requests may get the next message; None = nobody.
    cdef Pull choose(self)
    cdef Match* audience(self, Pull pull) except NULL
    cdef bint has_interest(self, Pull pull) except -1
    cdef bint is_in_vain(self, Pull pull) except -1
    cdef int served(self, Pull pull) except -1
    cdef int drop(self, Pull pull) except -1
    cdef int tell(self, Pull pull, bytes status) except -1
    cdef int tell_rest(self, Pull pull, bytes status) except -1
    cdef int beat(self, Pull pull) except -1
