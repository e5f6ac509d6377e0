"""Push consumers: everything goes to one deliver subject, while somebody listens there."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.interest.match cimport Match
from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.consumer.delivery.feed cimport Feed, Given
from pynats_server.jetstream.consumer.delivery.push.pace cimport Pace
from pynats_server.jetstream.consumer.delivery.push.window cimport Window


cdef class PushFeed(Feed):
    cdef bytes target, target_group
    cdef Window window  # of flow control; None = without
    cdef Pace rate  # None = unlimited
    cdef object watch
    cdef object reader  # who reads the stream directly; None = messages are delivered
    cdef Match* match  # who listens; for as long as nobody else is asked
    cdef int64_t heartbeat_ns, beat_at
    cdef bint flow_due  # the receiver is to be asked, behind the message
    cdef bytes flow_head  # `$JS.FC.<stream>.<consumer>.`

    cdef bint listened(self) except -1
    cdef int tell(self, bytes headers, bytes reply) except -1
    cdef int ask_flow(self) except -1
    cdef int beat(self) except -1
    # The receiver's answer to a request of flow control.
    cdef int flowed(self, Message* msg) except -1
