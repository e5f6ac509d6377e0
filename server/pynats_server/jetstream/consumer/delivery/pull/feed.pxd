"""Pull consumers: the requests that wait, and who of them gets the next message."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.consumer.delivery.feed cimport Feed, Given
from pynats_server.jetstream.consumer.delivery.pull.line cimport Line, Pull


cdef class PullFeed(Feed):
    cdef Line line  # who wait
    cdef str policy  # of priority; "" = none
    cdef list groups
    cdef Pull pull  # to get what is found
    cdef Match* match  # who listens to its inbox; for as long as nobody else is asked
    cdef uint64_t max_waiting
    cdef uint64_t max_batch
    cdef int64_t max_expires_ns
    cdef int64_t max_bytes
    cdef int64_t swept_ns

    cdef Match* audience(self, Pull pull) except NULL
    cdef bint has_interest(self, Pull pull) except -1
    cdef bint is_in_vain(self, Pull pull) except -1
    cdef int served(self, Pull pull) except -1
    cdef int drop(self, Pull pull) except -1
    cdef bint _nobody(self) except -1
    cdef int tell(self, Pull pull, bytes status) except -1
    cdef int tell_rest(self, Pull pull, bytes status) except -1
    cdef int beat(self, Pull pull) except -1
