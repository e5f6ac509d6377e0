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
# headers.
cdef inline const char* trace_asked(const char* block, size_t length) noexcept nogil:
    cdef const char* end = block + length
    cdef const char* p = block
    while True:
        p = <const char*>memchr(p, b'\n', end - p)
        if p == NULL:
            return NULL
        p += 1
        if end - p >= 16 and memcmp(p, b"Nats-Trace-Dest:", 16) == 0:
            return p + 16

# What the block asks for, and where to.
cdef TraceRequest trace_request(const char* block, size_t length, const char** dest, size_t* dest_len) noexcept
