"""What comes next for a consumer: the messages of its filters, in the order of the stream.

`Finder` looks for the next one from `next_seq` on, no further than consumers may see, and counts what
is before it. Blocks that are not in memory are asked for (`load`), and the search goes on when they
are there.
"""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.jetstream.consumer.delivery.alarms cimport Alarmed, Alarms
from pynats_server.jetstream.consumer.delivery.interest cimport Interest, Member
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.retention cimport Retention
from pynats_server.jetstream.store.search.seeker cimport Seeker
from pynats_server.jetstream.store.seqset cimport SequenceSet


cdef enum Found:
    NOTHING  # all that is visible has been looked at
    FOUND
    FULL  # too many messages wait for their acknowledgement
    NOT_YET  # a rate, the original pace, or a block that is being read
    UNFINISHED  # more has to be looked at than the budget allows


cdef class Finder(Member):
    cdef readonly Interest interest
    cdef Retention store
    cdef readonly object host  # see `FeedHost` in consumer.py
    cdef Alarms alarms
    cdef Alarmed bell
    cdef bint original_pace
    cdef readonly bint held  # it is being counted what is before it
    cdef readonly int64_t last_delivered_ns  # steady clock
    cdef int64_t pace_ns  # timestamp of the last message that was new, see original_pace
    # Sequences to begin with, up to `resume`, where it goes on; see `last_per_subject`.
    cdef SequenceSet firsts
    cdef uint64_t resume
    # What was found.
    cdef Block block
    cdef Py_ssize_t slot
    cdef Seeker seeker  # with filters
    cdef bint loading

    cdef uint64_t pending(self) except? 0xFFFFFFFFFFFFFFFF
    cdef Found find_new(self) except *
    cdef Found _seek(self, uint64_t limit) except *
    cdef bint _skip(self) except -1
    cdef Found _at_end(self, uint64_t limit) except *
    cdef Found _paced(self, int64_t ts) except *
    cdef Block holder(self, uint64_t seq)
    cdef int load(self, Block block) except -1
    cdef int passed(self, uint64_t seq, int64_t ts) except -1  # it has been delivered
    cdef int missing(self, uint64_t seq) except -1  # it has left the stream before that
    cdef int wake(self) except -1
    cdef int want_alarm(self, int64_t at) except -1
