"""Unsigned varints as Go's encoding/binary writes them, for compiled code."""

from libc.stdint cimport uint8_t, uint64_t

cdef enum:
    UVARINT_MAX = 10  # bytes


cdef inline size_t put_uvarint(uint8_t *p, uint64_t value) noexcept nogil:
    """Write at `p`; returns how many bytes."""
    cdef size_t n = 0
    while value >= 128:
        p[n] = <uint8_t>(value & 127 | 128)
        value >>= 7
        n += 1
    p[n] = <uint8_t>value
    return n + 1


cdef inline const uint8_t *get_uvarint(const uint8_t *p, const uint8_t *end,
                                       uint64_t *value) noexcept nogil:
    """Read at `p`; returns what follows, NULL when the number is cut off or passes 64 bits."""
    cdef int shift = 0
    cdef uint8_t byte
    value[0] = 0
    while p < end and shift < 64:
        byte = p[0]
        p += 1
        if shift == 63 and byte > 1:
            return NULL
        value[0] |= <uint64_t>(byte & 127) << shift
        if byte < 128:
            return p
        shift += 7
    return NULL
