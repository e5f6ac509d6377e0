from libc.stdint cimport int64_t


cdef class Pace:
    cdef double bytes_per_ns
    cdef double burst, left  # bytes
    cdef int64_t at

    # When so many bytes may be sent, ns; `now` or earlier = at once.
    cdef int64_t due(self, size_t size, int64_t now) noexcept
    cdef void take(self, size_t size) noexcept
