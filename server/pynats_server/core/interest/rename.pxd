"""A subject made of another one: what mappings, imports and transforms of streams call it."""
from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef enum Kind:
    TEXT
    TOKEN
    REST  # a token and all that follow
    PARTITION
    RANDOM
    SPLIT
    SPLIT_LEFT
    SPLIT_RIGHT
    SLICE_LEFT
    SLICE_RIGHT
    LEFT
    RIGHT


cdef struct Piece:
    Kind kind
    const char* text  # or the delimiter
    uint32_t length  # of the text
    uint32_t token  # the first one that is taken, counted from 0
    uint32_t number  # buckets, sides or size
    uint32_t* more  # tokens, the first one included, that a partition is made of
    uint32_t n_more


cdef class Rename:
    cdef Piece* pieces
    cdef uint32_t n_pieces
    cdef size_t fixed  # bytes that do not depend on the subject
    cdef uint32_t taken  # times that the whole subject may be in the new one
    cdef uint64_t chance
    cdef readonly tuple source  # what the pieces were made of; has the texts
    cdef readonly bint varies  # not the same for each message

    # Bytes that the new name of a subject of `length` bytes needs at most.
    cdef inline size_t room(self, size_t length) noexcept:
        return self.fixed + self.taken * length

    # Writes the new name, for which there is `room`. Returns its length.
    cdef size_t put(self, const char* subject, size_t length, char* out) noexcept

    cdef int _take(self, Piece* piece, int64_t place) except -1
    cdef int _call(
        self, Piece* piece, str name, tuple places, int64_t number, bytes delimiter
    ) except -1
