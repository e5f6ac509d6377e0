"""The headers of a published message that the compiled rules ask for, read in one pass."""
from pynats_server.core.protocol.headers cimport Span


cdef struct Marks:
    # Values of the headers that matter here; an empty value counts as none.
    Span msg_id
    Span expected_stream
    Span expected_seq
    Span expected_subject_seq
    Span expected_subject
    Span expected_msg_id
    Span rollup
    Span ttl
    bint rare  # there are headers that only slow_path.py knows


cdef enum Rollup:
    NO_ROLLUP = 0
    ROLLUP_SUBJECT = 1
    ROLLUP_ALL = 2
    BAD_ROLLUP = 3


cdef void read_marks(const char* block, size_t size, Marks* marks) noexcept nogil
cdef Rollup read_rollup(const char* block, Marks* marks) noexcept nogil

cdef inline bint present(Span span) noexcept nogil:
    return span.end > span.start
