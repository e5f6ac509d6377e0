"""Which messages ask to be traced, by their headers."""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memchr, memcmp

from pynats_server.core.interest.message cimport Message


# For every message with headers, before anything else is known: whether it may ask for a trace.
# `parents`: the account traces messages that belong to a trace elsewhere.
cdef inline bint may_want_trace(const char* block, size_t length, bint parents) noexcept nogil:
    # Few names have a capital T.
    cdef const char* end = block + length
    cdef const char* p
    if parents and has_parent(block, length):
        return True
    if length < 17:
        return False
    p = block + 6  # a line is in front of it, and "Nats-"
    while True:
        p = <const char*>memchr(p, b'T', end - p)
        if p == NULL or end - p < 11:
            return False
        if memcmp(p - 6, b"\nNats-", 6) == 0 and memcmp(p, b"Trace-Dest:", 11) == 0:
            return True
        p += 1


# Whether a line begins with "traceparent:", in any case.
cdef bint has_parent(const char* block, size_t length) noexcept nogil


cdef class Parents:
    """What an account does with messages that belong to a trace elsewhere (`msg_trace`)."""
    cdef readonly bytes dest
    cdef readonly int sampling  # per cent, 100 = all


cdef class Request:
    """What a message asks for."""
    cdef readonly bytes dest
    cdef readonly bytes block  # the headers of the message
    cdef readonly bytes accept  # in which encodings its events may come; empty = in none
    cdef readonly bint only  # the message itself goes nowhere
    cdef readonly bint has_parent  # it does not ask itself
    cdef readonly str fault  # why there is no trace; None = there is one
    cdef readonly bint disabled  # further servers are not to trace it either


# None = nothing. It looks at every header: STEP_HEADER_SHIFT tells what that costs, here and below.
cdef Request read_request(Message* msg, Parents parents, uint64_t* random)
# Headers and payload of a message, with another destination of its events.
cdef bytes redirected(Message* msg, bytes dest)

# Gives a message what `redirected` made, which must live as long.
cdef inline void replace_payload(Message* msg, bytes payload) noexcept:
    cdef uint32_t body = msg.total_len - msg.header_len
    msg.payload = payload
    msg.total_len = <uint32_t>len(payload)
    msg.header_len = msg.total_len - body
    msg.borrowed = False
    msg.lender = NULL
