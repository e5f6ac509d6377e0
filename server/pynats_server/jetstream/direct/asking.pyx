"""See asking.pxd."""
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memset

cdef enum:
    REQUEST_MAX = 1024  # bytes
    DIGITS_MAX = 19  # fewer than a number of 64 bits may have


cdef inline const char* past_blanks(const char* p, const char* end) noexcept nogil:
    while p < end and (p[0] == c' ' or p[0] == c'\t' or p[0] == c'\r' or p[0] == c'\n'):
        p += 1
    return p


cdef inline const char* text_end(const char* p, const char* end) noexcept nogil:
    """The quote that ends a text; NULL where it has anything but plain ASCII, or no end."""
    while p < end and c' ' <= p[0] < 127 and p[0] != c'"' and p[0] != c'\\':
        p += 1
    return p if p < end and p[0] == c'"' else NULL


cdef inline const char* number_end(const char* p, const char* end, uint64_t* value) noexcept nogil:
    """Where a number above 0 ends; NULL where there is none."""
    cdef const char* start = p
    value[0] = 0
    while p < end and c'0' <= p[0] <= c'9' and p - start <= DIGITS_MAX:
        value[0] = value[0] * 10 + <uint64_t>(p[0] - c'0')
        p += 1
    return p if p > start and p - start <= DIGITS_MAX and start[0] != c'0' else NULL


cdef inline bint is_key(const char* key, size_t n, const char* name, size_t length) noexcept nogil:
    return n == length and memcmp(key, name, n) == 0


cdef bint read_asked(const char* p, size_t n, Asked* asked) noexcept nogil:
    cdef const char* end = p + n
    cdef const char* key
    cdef const char* behind
    cdef size_t size
    memset(asked, 0, sizeof(Asked))
    if n > REQUEST_MAX:
        return False
    p = past_blanks(p, end)
    if p == end or p[0] != c'{':
        return False
    while True:
        p = past_blanks(p + 1, end)
        if p == end or p[0] != c'"':
            return False
        key = p + 1
        behind = text_end(key, end)
        if behind == NULL:
            return False
        size = behind - key
        p = past_blanks(behind + 1, end)
        if p == end or p[0] != c':':
            return False
        p = past_blanks(p + 1, end)
        if is_key(key, size, b"seq", 3):
            if asked.seq:
                return False
            p = number_end(p, end, &asked.seq)
            if p == NULL:
                return False
        else:
            if p == end or p[0] != c'"':
                return False
            behind = text_end(p + 1, end)
            if behind == NULL or behind == p + 1:
                return False
            if is_key(key, size, b"last_by_subj", 12) and asked.last == NULL:
                asked.last, asked.last_len = p + 1, behind - p - 1
            elif is_key(key, size, b"next_by_subj", 12) and asked.next == NULL:
                asked.next, asked.next_len = p + 1, behind - p - 1
            else:
                return False
            p = behind + 1
        p = past_blanks(p, end)
        if p == end:
            return False
        if p[0] == c'}':
            break
        if p[0] != c',':
            return False
    if past_blanks(p + 1, end) != end:
        return False
    return not asked.seq and asked.next == NULL if asked.last != NULL else True
