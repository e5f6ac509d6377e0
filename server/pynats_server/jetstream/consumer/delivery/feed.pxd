"""What a consumer is sent.

`Feed` finds the next message (first what is to be delivered again, then what comes next in the
stream), builds it with its acknowledgement subject and hands it to its subclass, which knows who
gets it: `pull.feed` or `push.feed`. The subclass answers `ready`, `give`, `dry`, `timed`.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.consumer.delivery.alarms cimport Alarmed
from pynats_server.jetstream.consumer.delivery.awaiting cimport Awaiting
from pynats_server.jetstream.consumer.delivery.finding cimport Found
from pynats_server.jetstream.scratch cimport Scratch

cdef enum Given:
    GAVE
    NOBODY  # the receiver is gone; there may be another one
    HALT  # a receiver has a backlog; it calls when that is over


cdef class Bell(Alarmed):
    """Rings for a feed, which is a `Member` already."""
    cdef Feed feed


cdef class Feed(Awaiting):
    cdef readonly Account account
    cdef bint headers_only
    cdef bytes ack_head  # `$JS.ACK.<stream>.<consumer>.`
    cdef bytes extra  # header lines to add
    cdef public bint paused
    cdef int64_t now  # of the deliveries at hand, ns
    cdef public int64_t touched_ns  # monotonic; when somebody last used the consumer
    cdef Scratch scratch

    cdef Found find(self) except *
    cdef bint _serve(self, uint64_t until) except -1
    cdef bint _send(self) except -1
    cdef int say(self, bytes inbox, bytes status) except -1  # a status line, maybe with headers

    # For subclasses.
    cdef bint ready(self) except -1
    cdef Given give(self, Message* msg, size_t size) except *
    cdef int gave(self) except -1  # what was given is in the state
    cdef int dry(self) except -1
    cdef int64_t timed(self, int64_t now) except -1
