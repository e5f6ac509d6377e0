"""See marks.pxd."""
from libc.string cimport memcmp, memset

from pynats_server.core.protocol.headers cimport Header, header_at, is_nats, next_line

cdef enum:
    PREFIX_SIZE = 5  # of `Nats-`


cdef inline bint _is(
    const char* name, size_t size, const char* text, size_t text_size
) noexcept nogil:
    return size == text_size and memcmp(name, text, size) == 0


cdef inline Span* _slot(Marks* marks, const char* name, size_t size) noexcept nogil:
    """The mark that holds a header's value; NULL for other headers. `name` is without `Nats-`."""
    if _is(name, size, b"Msg-Id", 6):
        return &marks.msg_id
    if size > 9 and memcmp(name, b"Expected-", 9) == 0:
        name += 9
        size -= 9
        if _is(name, size, b"Last-Subject-Sequence", 21):
            return &marks.expected_subject_seq
        if _is(name, size, b"Last-Sequence", 13):
            return &marks.expected_seq
        if _is(name, size, b"Stream", 6):
            return &marks.expected_stream
        if _is(name, size, b"Last-Msg-Id", 11):
            return &marks.expected_msg_id
        if _is(name, size, b"Last-Subject-Sequence-Subject", 29):
            return &marks.expected_subject
        return NULL
    if _is(name, size, b"Rollup", 6):
        return &marks.rollup
    if _is(name, size, b"TTL", 3):
        return &marks.ttl
    if (
        _is(name, size, b"Incr", 4)
        or (size >= 7 and memcmp(name, b"Schedul", 7) == 0)
        or (size >= 6 and memcmp(name, b"Batch-", 6) == 0)
        or _is(name, size, b"Stream-Source", 13)
        or _is(name, size, b"Request-Info", 12)
    ):
        marks.rare = True
    return NULL


cdef void read_marks(const char* block, size_t size, Marks* marks) noexcept nogil:
    """One pass over a block."""
    cdef Py_ssize_t line = next_line(block, size, 0)
    cdef Header header
    cdef Span* span
    memset(marks, 0, sizeof(Marks))
    while line >= 0:
        if not is_nats(block, size, line):
            line = next_line(block, size, line)
            continue
        header = header_at(block, size, line)
        if header.colon >= 0:
            line += PREFIX_SIZE
            span = _slot(marks, block + line, header.colon - line)
            if span != NULL and not span.end:  # the first of several counts
                span[0] = header.value
        line = header.following


cdef Rollup read_rollup(const char* block, Marks* marks) noexcept nogil:
    cdef const char* p = block + marks.rollup.start
    if not present(marks.rollup):
        return NO_ROLLUP
    if marks.rollup.end - marks.rollup.start == 3:
        if (p[0] | 32) == c's' and (p[1] | 32) == c'u' and (p[2] | 32) == c'b':
            return ROLLUP_SUBJECT
        if (p[0] | 32) == c'a' and (p[1] | 32) == c'l' and (p[2] | 32) == c'l':
            return ROLLUP_ALL
    return BAD_ROLLUP
