"""Which consumers a stream's messages concern, and how many each has before it.

Consumers with equal filters share a `FilterGroup`, which counts the messages that came for them. What
a consumer has before it is that count less its own `base`, so a message that comes costs the same
whatever the number of consumers. Only *hungry* ones, which wait for the next message, are woken.

A message that goes concerns at once only those of the group's consumers that are at work: they are
being served, or wait for acknowledgements. The others are *behind*: what has gone is written down
once (`FilterGroup.gone`), and each takes note of it before its figures are looked at.
"""
from libc.stdint cimport uint8_t, uint64_t

from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.sublist cimport Sublist
from pynats_server.core.interest.subscription cimport Sink
from pynats_server.core.senders.sender cimport Sender
from pynats_server.jetstream.store.retention cimport Retention
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.witness cimport Witness


cdef enum Lag:
    EXACT  # its figures are
    BEHIND  # it has to take note of what its group has written down
    UNCOUNTED  # too much has gone: it is counted anew


cdef class Member(Sender):
    """What its stream's `Interest` knows of a consumer."""
    cdef FilterGroup group
    cdef uint64_t base  # messages of the group that are behind it, see `pending`
    cdef uint64_t next_seq  # the first that it has not looked at
    cdef uint64_t hint  # no message of its filters lies before, when not 0
    cdef uint64_t far_seq  # where it is to begin, when that is beyond the stream's end; 0 = is not
    cdef bint hungry  # in its group's list
    cdef bint awake  # in the list of those to be served when more is visible
    cdef bint stopped
    cdef Lag lag  # `settle` before its figures are looked at
    cdef bint serving
    cdef Py_ssize_t place  # in its group's list of those at work, from 1; 0 = is not
    cdef uint64_t heard  # of what its group has written down, see BEHIND

    # Delivers what it can until `routing.steps` has reached `until`; whether there is more to do.
    cdef bint serve(self, uint64_t until) except -1
    # A message of its filters has left the stream.
    cdef int lost(self, uint64_t seq, bint purged) except -1
    # Some have been purged: what is before the stream's first one concerns it no more.
    cdef int curtailed(self) except -1
    # Whether a message that goes may concern it at once.
    cdef bint is_at_work(self) noexcept
    # Many have, or have come back. Afterwards it is counted anew.
    cdef int swept(self) except -1
    # Messages of its filters that it has before it, counted anew.
    cdef uint64_t ahead(self) except? 0xFFFFFFFFFFFFFFFF
    # Whether a message of its filters is still to be delivered to it, or to be acknowledged.
    cdef bint needs(self, uint64_t seq) noexcept
    # It has acknowledged everything of its filters up to there.
    cdef uint64_t done_to(self) noexcept
    # Below here it wants nothing any more.
    cdef uint64_t lowest(self) noexcept


cdef class FilterGroup(Sink):
    cdef readonly FilterSet filters
    cdef readonly object key
    cdef readonly uint64_t matched  # messages that came
    cdef uint64_t last  # the newest of them
    cdef uint64_t low  # nobody in the group wants anything below
    cdef dict members  # as a set, in order
    cdef list hungry
    cdef Py_ssize_t full  # of those in `hungry`, who are not any more
    cdef list present  # who are at work, and some that have been until now
    cdef uint64_t* gone  # messages that have gone, and whether they were purged (2 * seq + purged)
    cdef uint64_t gone_from, gone_to  # how many were written down before, and all in all
    cdef list subscriptions  # of its filters, as far as they are in the interest
    cdef int holds  # of those who are about to enter


cdef class Interest(Witness):
    cdef Retention store
    cdef Engine engine
    cdef Sublist sublist
    cdef FilterGroup every  # those without filters
    cdef dict groups
    cdef readonly uint64_t visible  # the last message that consumers may see
    cdef list awake
    cdef list far  # a heap of (next_seq, number, Member): those that begin beyond the stream's end
    cdef uint64_t far_at  # the first of these sequences
    cdef uint64_t far_count
    cdef Py_ssize_t far_void  # of these entries, at most, those that hold no longer
    cdef Py_ssize_t asleep  # of those in `awake`, who are not any more
    cdef uint64_t newest  # the last message that came

    cdef list unused  # groups that nobody is in any more, whose subscriptions are still there

    cdef object remove  # called with the sequence of a message that nobody needs any more

    # Somebody does not need a message any more.
    cdef int release(self, uint64_t seq) except -1
    cdef bint is_needed(self, uint64_t seq, const uint8_t* subject, size_t n) except -1
    cdef bint is_finished(self, uint64_t seq, const uint8_t* subject, size_t n) except -1
    cdef int _note_far(self, Member member) except -1
    cdef int expect(self, Member member) except -1
    # The record of a live message, NULL when there is none.
    cdef const uint8_t* record(self, uint64_t seq) except? NULL
    cdef int rouse(self, Member member) except -1  # serve it when more is visible
    cdef int starve(self, Member member) except -1  # it has seen everything, and waits for more
    cdef int settle(self, Member member) except -1  # brings a stale one up to date
    cdef int near(self, uint64_t seq) except -1  # the stream has come to where some begin
    cdef int count(self, FilterGroup group, uint64_t seq) except -1
    cdef int lose(self, FilterGroup group, uint64_t seq, bint purged) except -1
    cdef int write_down(self, FilterGroup group, uint64_t seq, bint purged) except -1
    cdef int begin_anew(self, FilterGroup group) except -1
    cdef int catch_up(self, Member member) except -1
    cdef int attend(self, Member member) except -1  # messages that go are told to it at once
    cdef int excuse(self, Member member) except -1  # they are not
    cdef int _forget_far(self, Member member) except -1
