"""See tracing.pxd."""
from libc.string cimport strlen


cdef struct Value:
    const char* p
    size_t n


cdef Value _value(const char* p, const char* end) noexcept:
    """The rest of a line, without blanks around it."""
    cdef Value found
    cdef const char* stop = <const char*>memchr(p, b'\n', end - p)
    if stop == NULL:
        stop = end
    while p < stop and (p[0] == b' ' or p[0] == b'\t'):
        p += 1
    while stop > p and ((stop - 1)[0] == b' ' or (stop - 1)[0] == b'\t' or (stop - 1)[0] == b'\r'):
        stop -= 1
    found.p = p
    found.n = stop - p
    return found


cdef bint _is(Value* value, const char* word) noexcept:
    """Whether it is a word of small letters, in any case."""
    cdef size_t i
    cdef char c
    if value.n != strlen(word):
        return False
    for i in range(value.n):
        c = value.p[i]
        if b'A' <= c <= b'Z':
            c += 32
        if c != word[i]:
            return False
    return True


cdef bint _only(const char* block, const char* end) noexcept:
    """The first header of that name decides."""
    cdef Value value
    cdef const char* p = block
    while True:
        p = <const char*>memchr(p, b'\n', end - p)
        if p == NULL:
            return False
        p += 1
        if end - p >= 16 and memcmp(p, b"Nats-Trace-Only:", 16) == 0:
            value = _value(p + 16, end)
            return _is(&value, b"1") or _is(&value, b"true") or _is(&value, b"on")


cdef TraceRequest trace_request(
    const char* block, size_t length, const char** dest, size_t* dest_len
) noexcept:
    cdef const char* at = trace_asked(block, length)
    cdef Value value
    if at == NULL:
        return TRACE_NONE
    value = _value(at, block + length)
    if value.n == 0 or (value.n == 14 and memcmp(value.p, b"trace disabled", 14) == 0):
        return TRACE_NONE
    dest[0] = value.p
    dest_len[0] = value.n
    return TRACE_ONLY if _only(block, block + length) else TRACE_ALONG
