"""Requests to trace a message on its way, in its headers.

    Nats-Trace-Dest: subject    where the events go
    Nats-Trace-Only: true       the message itself goes nowhere

There are no events yet, but who asks for a message that goes nowhere gets that.
"""
from libc.string cimport memchr, memcmp

cdef enum TraceRequest:
    TRACE_NONE
    TRACE_ALONG  # deliver, and trace
    TRACE_ONLY


# Where the value of the header begins that asks for a trace, NULL without one. For every message with
# headers: few names have a capital T.
cdef inline const char* trace_asked(const char* block, size_t length) noexcept nogil:
    cdef const char* end = block + length
    cdef const char* p
    if length < 17:
        return NULL
    p = block + 6  # a line is in front of it, and "Nats-"
    while True:
        p = <const char*>memchr(p, b'T', end - p)
        if p == NULL or end - p < 11:
            return NULL
        if memcmp(p - 6, b"\nNats-", 6) == 0 and memcmp(p, b"Trace-Dest:", 11) == 0:
            return p + 11
        p += 1

# What the block asks for, and where to.
cdef TraceRequest trace_request(const char* block, size_t length, const char** dest, size_t* dest_len) noexcept
