from libc.stdint cimport uint8_t, uint64_t

cdef struct Listed:
    const uint8_t *subject
    uint64_t size, total
    uint64_t first, last  # numbers of the blocks that hold its first and its last message


cdef const uint8_t *next_listed(const uint8_t *p, const uint8_t *end, bint with_last,
                                Listed *found) noexcept nogil
