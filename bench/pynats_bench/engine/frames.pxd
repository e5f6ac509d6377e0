"""Contract of the frames: publishes written message by message, with what differs in each."""

from libc.stdint cimport uint64_t
from libc.string cimport memcpy

cdef enum:
    NUMBER_ROOM = 20         # digits of the largest number
    PLAIN = 0                # a number without zeros in front


cdef inline char *put(char *at, const char *data, size_t size) noexcept nogil:
    memcpy(at, data, size)
    return at + size


cdef inline char *put_number(char *at, uint64_t value, int width=PLAIN) noexcept nogil:
    """In decimal digits, at least `width` of them. Returns the place behind."""
    cdef char digits[NUMBER_ROOM]
    cdef int first = NUMBER_ROOM
    while value or first == NUMBER_ROOM:
        first -= 1
        digits[first] = <char>(48 + value % 10)
        value //= 10
    while NUMBER_ROOM - first < width:
        first -= 1
        digits[first] = 48
    return put(at, digits + first, NUMBER_ROOM - first)


cdef inline void bump(char *last) noexcept nogil:
    """One more: `last` is the last digit of a number, and there is a digit that is no 9."""
    while last[0] == 57:
        last[0] = 48
        last -= 1
    last[0] += 1


cdef inline uint64_t next_random(uint64_t *state) noexcept nogil:
    """xorshift64*: the state must not be 0."""
    state[0] ^= state[0] >> 12
    state[0] ^= state[0] << 25
    state[0] ^= state[0] >> 27
    return state[0] * <uint64_t>2685821657736338717


# Who publishes: what is the client's own in its frames.
cdef struct Author:
    const char *message_id   # of the deduplication, without the number; NULL: none
    size_t message_id_len
    const char *batch_id     # of an atomic batch, without the number; NULL: none
    size_t batch_id_len
    uint64_t first           # the number of its first message
    uint64_t random


cdef class Frames:
    cdef bytes subject       # up to the number
    cdef bytes headers       # its lines, without the first and the last
    cdef bytearray body      # the payload and its CRLF
    cdef char *subject_at
    cdef size_t subject_len
    cdef char *headers_at
    cdef size_t headers_len
    cdef char *body_at
    cdef size_t body_len
    cdef int width
    cdef uint64_t modulus
    cdef bint randomized
    cdef Py_ssize_t time_at
    cdef size_t head_max     # of a frame without its body; a reply subject comes on top

    cdef uint64_t number(self, Author *author, uint64_t message) noexcept nogil
    cdef void stamp(self) noexcept nogil
    cdef char *head(self, char *at, Author *author, uint64_t message, const char *reply,
                    size_t reply_len, uint64_t batch, uint64_t batch_sequence,
                    bint commit, bint empty) noexcept nogil
