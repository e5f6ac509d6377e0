"""Limits of publishing, and those that they hold back.

A `PublishLimit` is of one connection, or of all connections of an account, which then take turns: who
finds it exhausted goes to the end of its queue, and is called when there is something again; it may
take an equal share of that. An `Allowance` is what one connection may publish: both its limits together.
"""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.engine cimport Peer
from pynats_server.core.rates.bucket cimport Bucket


cdef class PublishLimit:
    cdef Bucket msgs
    cdef Bucket bytes
    cdef readonly bint refuses  # what is too much is refused; else it waits
    cdef object pacer
    cdef object queue  # OrderedDict of the Allowances that wait
    cdef bint armed

    cdef uint64_t most(self, Allowance who, int64_t now, uint64_t size) except? 0
    cdef uint64_t wait_ns(self, uint64_t size) noexcept
    cdef int take(self, Allowance who, int64_t count, uint64_t size) except -1
    cdef void pay(self, int64_t count, uint64_t size) noexcept
    cdef int enqueue(self, Allowance who, int64_t now) except -1
    cdef int leave(self, Allowance who) except -1
    cdef int arm(self) except -1
    # Whoever is next goes on, if there is something for it.
    cdef int call_next(self, int64_t now) except -1


cdef class Allowance:
    cdef readonly Peer holder
    cdef readonly PublishLimit own
    cdef readonly PublishLimit shared
    cdef uint64_t size  # of the message that waits
    cdef PublishLimit waits_for
    cdef PublishLimit called_by  # whose turn it has, and what is left of its share there
    cdef uint64_t share_msgs
    cdef uint64_t share_bytes
    cdef int64_t held_ns  # when it was held back last

    # How many messages of so many bytes it may publish now.
    cdef uint64_t most(self, int64_t now, uint64_t size) except? 0
    # It publishes them; a negative count takes that back.
    cdef int take(self, int64_t count, uint64_t size) except -1
    # It may not publish the next message: False = the message is refused; else it is paused.
    cdef bint hold(self, int64_t now, uint64_t size) except -1
    # Its turn is over.
    cdef int rest(self, int64_t now) except -1
