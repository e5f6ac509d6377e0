from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef enum:
    TTL_NEVER = -1
    HAS_TTL = 1
    HAS_SCHEDULE = 2

cdef inline int64_t expiry(int64_t ts, int64_t ttl) noexcept nogil:
    """When a message with a TTL (seconds) runs out; the end of time instead of an overflow."""
    cdef int64_t end = 0x7FFFFFFFFFFFFFFF
    if ttl > (end - ts) // 1000000000:
        return end
    return ts + ttl * 1000000000

cdef int header_marks(const uint8_t *h, size_t n, int64_t *ttl) noexcept nogil


cdef struct Expiry:
    int64_t at
    uint64_t seq


cdef class ExpiryQueue:
    cdef Expiry *heap
    cdef readonly Py_ssize_t size
    cdef Py_ssize_t room

    cdef int reserve(self) except -1
    cdef void insert(self, int64_t at, uint64_t seq) noexcept
    cdef void drop_top(self) noexcept
    cdef void drop_at(self, Py_ssize_t i) noexcept
    cdef void sift_down(self, Py_ssize_t i) noexcept
    cdef void order(self) noexcept
