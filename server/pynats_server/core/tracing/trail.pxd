"""What is known of one traced message: what it asks for, and what happened to it so far."""
from libc.stdint cimport uint32_t

from pynats_server.core.account cimport Account
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.core.tracing.request cimport Request


cdef class Trail:
    cdef readonly Sink source  # the connection that published it
    cdef readonly Account account  # its account, in which the events are sent
    cdef readonly bytes subject
    cdef readonly bytes dest
    cdef readonly bint only  # the message itself goes nowhere
    cdef readonly bytes block  # its headers
    cdef readonly bytes accept  # in which encodings its events may come; empty = in none
    cdef readonly uint32_t size  # of headers and payload
    cdef readonly object began_ns  # since 1970
    cdef readonly list events  # not more than TRACE_EVENTS_MAX
    cdef readonly bytes refusal  # why it may not be published; None = it may
    cdef readonly bint silent  # no events are sent

    cdef int _note(self, tuple event) except -1
    cdef int refused(self, bytes text) except -1
    cdef int mapped(self, bytes subject) except -1
    cdef int imported(self, object account, bytes subject, bytes to) except -1
    cdef int exported(self, object account, bytes to) except -1
    cdef int reached(self, Sink receiver, Account account, Subscription sub, bytes error) except -1
