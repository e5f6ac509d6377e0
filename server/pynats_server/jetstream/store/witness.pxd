from libc.stdint cimport uint8_t, uint64_t


cdef class Witness:
    cdef int came(self, uint64_t seq, const uint8_t *subject, size_t n) except -1
    cdef int gone(self, uint64_t seq, const uint8_t *subject, size_t n, bint purged) except -1
    cdef int swept(self) except -1
