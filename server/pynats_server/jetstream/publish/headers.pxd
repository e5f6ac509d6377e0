"""Looking up headers in a raw block, for compiled callers."""


cdef struct Span:
    # Where a value is in the block; `start` is -1 when the header is absent.
    Py_ssize_t start
    Py_ssize_t end


cdef Span header_find(
    const char* block, Py_ssize_t size, const char* name, Py_ssize_t name_size
) noexcept nogil
