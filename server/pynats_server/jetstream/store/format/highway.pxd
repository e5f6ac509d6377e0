from libc.stdint cimport uint8_t, uint64_t

cdef extern from "highway.h" nogil:
    ctypedef struct hw_piece:
        const uint8_t *data
        size_t size
    uint64_t hw_hash64(const uint8_t *key, const hw_piece *pieces, int count) noexcept
