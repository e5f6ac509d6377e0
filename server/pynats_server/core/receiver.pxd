"""The receiving half of a client connection: its subscriptions, and what is delivered to them."""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.core.memory.bytemap cimport ByteMap
from pynats_server.core.permissions cimport Permissions, ReplyGrants
from pynats_server.core.protocol.runs cimport Run
from pynats_server.core.sockets.layered cimport LayeredConnection


cdef class Receiver(LayeredConnection):
    cdef readonly Account account
    cdef readonly Permissions permissions
    cdef object judging  # the chore that applies new permissions to the subscriptions, or None
    cdef ReplyGrants replies  # None = no allow_responses
    cdef ByteMap subscriptions  # sid -> Subscription, owned references
    cdef public bint headers  # both sides support them
    # The subject of the subscription whose messages it was behind with last, or None.
    cdef readonly bytes behind_on
    cdef uint64_t run_stamp  # marks this receiver while a match is looked through

    cdef bint has_subscription(self, const char* sid, size_t length) noexcept
    cdef int add_subscription(self, Subscription sub) except -1
    # UNSUB: ends after `most` deliveries, counted from the first one; 0 = now.
    cdef int limit_subscription(self, const char* sid, size_t length, uint64_t most) except -1
    cdef int drop_subscription(self, Subscription sub) except -1
    cdef bytes _obstacle(self, Subscription sub, Message* msg, Sink source)
    # Whether permissions keep a message from a filtered subscription.
    cdef bint withholds(self, Subscription sub, Message* msg) except -1
    cdef int take_run(self, Run* run, Subscription sub, Sink source) except -1
    cdef bint sheds(self, Sink source) noexcept
    cdef bint over_pending(self, size_t length) except -1
    # An account counts what its own messages became, also those that others import.
    cdef void count_output(self, Subscription sub, uint64_t msgs, uint64_t size) noexcept
    cdef int after_output(self, Sink source, Subscription sub) except -1
    cdef int note_behind(self, Subscription sub) except -1
