"""The requests that wait for messages of a consumer, and whose turn it is.

A plain consumer has one `Queue`; where priority groups decide, a subclass of `Line` in `priority` has
several. Whatever is done for one request costs the same however many wait.
"""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.interest.match cimport Match
from pynats_server.jetstream.consumer.delivery.feed cimport Feed


cdef class Pull:
    """A request that waits for messages; one is served in turn with the others."""
    cdef readonly bytes inbox
    cdef readonly uint64_t left  # messages
    cdef readonly bint sized  # has a limit of bytes
    cdef readonly int64_t bytes_left
    cdef readonly int64_t ends_ns  # steady clock; 0 = never
    cdef readonly bint no_wait  # answered as soon as there is nothing more...
    cdef readonly bint patient  # ...but not before it has got something
    cdef readonly bint fed  # has got something
    cdef readonly int64_t heartbeat_ns, beat_at
    cdef readonly bint bare  # says nothing of groups, because it is no JSON
    cdef readonly str group, pin
    cdef readonly uint64_t min_pending, min_ack_pending
    cdef readonly int priority
    cdef Match* match  # who listens to its inbox, see `current_match`
    # Where it stands.
    cdef Queue queue
    cdef Pull before, after
    # In the line's `Clock`: when it is to be looked at, at the latest; in which place; since when.
    cdef int64_t due
    cdef Py_ssize_t place
    cdef uint64_t number

    # When something is to be done for it by the clock, 0 = never.
    cdef int64_t soonest(self) noexcept


cdef class Clock:
    """The requests that something is to be done for at some time: a heap, the first comes first."""
    cdef list heap
    cdef uint64_t count  # who came so far

    cdef int add(self, Pull pull) except -1  # who has a time
    cdef int drop(self, Pull pull) except -1  # wherever it is, if it is there
    cdef Pull first(self)
    cdef int again(self, Pull pull) except -1  # its time may be later than it was
    cdef int rise(self, Py_ssize_t at) except -1
    cdef int sink(self, Py_ssize_t at) except -1


cdef class Queue:
    cdef Pull head, tail
    cdef Py_ssize_t count

    cdef int push(self, Pull pull) except -1
    cdef int take(self, Pull pull) except -1  # wherever it stands


cdef class Line:
    cdef readonly Py_ssize_t count  # who wait
    cdef Py_ssize_t hasty  # of them, those that do not wait for what is not there
    cdef list queues
    cdef Queue queue  # the first of them
    cdef Clock clock
    cdef bint unsure  # `first` has not looked at all of them
    cdef bint weighs  # requests that come in one turn are weighed before the first is served

    cdef int add(self, Pull pull) except -1
    cdef int drop(self, Pull pull) except -1
    cdef list pulls(self, Py_ssize_t most=*)  # the first of them
    # Where a request belongs.
    cdef Queue place(self, Pull pull)
    # Whose turn it is, when there is a message; None = nobody's.
    cdef Pull first(self, Feed feed)
    # It has got a message: it is the next one's turn.
    cdef int turn(self, Feed feed, Pull pull) except -1
    # Whether it may wait at all, or get what it waits for; else it is told with a status 423.
    cdef bint admits(self, Feed feed, Pull pull) except -1
    cdef bint serves(self, Pull pull) except -1
    # When to be called again; 0 = never.
    cdef int64_t timed(self, Feed feed, int64_t now) except -1
    # Who is pinned is so no more.
    cdef int unpin(self) except -1
