"""Looking up headers in a raw block, for compiled callers. What a header is, see headers.pyx."""
from libc.string cimport memchr, memcmp


cdef struct Span:
    # Where a value is in the block; `start` is -1 when the header is absent.
    Py_ssize_t start
    Py_ssize_t end


cdef struct Header:
    # One line of a block.
    Py_ssize_t colon  # where the name ends; -1 when the line has none
    Span value
    Py_ssize_t following  # where the next line begins; -1 when there is none


cdef Span header_find(
    const char* block, Py_ssize_t size, const char* name, Py_ssize_t name_size
) noexcept nogil


cdef inline Py_ssize_t next_line(
    const char* block, Py_ssize_t size, Py_ssize_t start
) noexcept nogil:
    # Where the line after the one at `start` begins; -1 when that one has no end.
    cdef const char* found
    while start < size:
        found = <const char*>memchr(block + start, b'\n', size - start)
        if found == NULL:
            return -1
        start = found - block + 1
        if start >= 2 and block[start - 2] == b'\r':
            return start
    return -1


cdef inline Header header_at(const char* block, Py_ssize_t size, Py_ssize_t line) noexcept nogil:
    # The header in the line that begins at `line`.
    cdef Header found
    cdef const char* colon = NULL
    found.following = next_line(block, size, line)
    found.value.end = size if found.following < 0 else found.following - 2
    if found.value.end > line:
        colon = <const char*>memchr(block + line, b':', found.value.end - line)
    if colon == NULL:
        found.colon = found.value.start = -1
        return found
    found.colon = colon - block
    found.value.start = found.colon + 1
    while found.value.start < found.value.end and block[found.value.start] == b' ':
        found.value.start += 1
    return found


cdef inline bint is_nats(const char* block, Py_ssize_t size, Py_ssize_t line) noexcept nogil:
    # Whether the line at `line` begins with `Nats-` and goes on.
    return size - line > 5 and block[line] == b'N' and memcmp(block + line, b"Nats-", 5) == 0
