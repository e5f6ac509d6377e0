"""HighwayHash-64 for Python callers; compiled modules call `hw_hash64` directly."""

from libc.stdint cimport uint8_t, uint64_t

cdef enum:
    LARGE = 64 * 1024  # bytes: below, letting others have the interpreter takes longer than hashing


def hash64(const uint8_t[::1] key not None, const uint8_t[::1] data not None):
    """HighwayHash-64 of `data` under a 32-byte `key`, as an unsigned integer."""
    if key.shape[0] != 32:
        raise ValueError("a HighwayHash key has 32 bytes")
    cdef hw_piece piece
    cdef uint64_t found
    cdef const uint8_t *start = &key[0]
    piece.data = &data[0] if data.shape[0] else NULL
    piece.size = <size_t>data.shape[0]
    if piece.size < LARGE:
        return hw_hash64(start, &piece, 1)
    with nogil:
        found = hw_hash64(start, &piece, 1)
    return found


def digest64(key, data):
    """The same hash as its 8 bytes on disk (little endian)."""
    return hash64(key, data).to_bytes(8, "little")
