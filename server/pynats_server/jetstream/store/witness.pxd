from libc.stdint cimport uint8_t, uint64_t


cdef class Witness:
    cdef int came(self, uint64_t seq, const uint8_t *subject, size_t n) except -1
    cdef int gone(self, uint64_t seq, const uint8_t *subject, size_t n, bint purged) except -1
    cdef int swept(self) except -1


cdef class Informer(Witness):
    cdef readonly object on_came, on_gone, on_swept
