from libc.stdint cimport uint64_t


cdef class Window:
    cdef readonly uint64_t size  # bytes that may be under way
    cdef readonly uint64_t sent  # that are
    cdef readonly uint64_t covered  # of them, those that the request under way is about
    cdef readonly bytes request  # reply subject of the request under way; None = none

    cdef bint is_full(self) noexcept
    # Bytes have been sent; whether the receiver is to be asked how far it has come.
    cdef bint add(self, uint64_t size) noexcept
    cdef int ask(self, bytes request) except -1
    cdef int answered(self) except -1
