"""Somebody who is told what comes into a store and what leaves it."""


cdef class Witness:
    """Does nothing; for subclasses."""

    cdef int came(self, uint64_t seq, const uint8_t *subject, size_t n) except -1:
        return 0

    cdef int gone(self, uint64_t seq, const uint8_t *subject, size_t n, bint purged) except -1:
        return 0

    cdef int swept(self) except -1:
        return 0
