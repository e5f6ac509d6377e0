"""What waits to be written to a socket: a buffer, and references to large payloads at their places
in it (pieces). Knows no connection.

Where a layer stands before the socket, it takes the bytes out (`output_next`) and makes others of
them; those count here until they have left, too."""
from libc.stdint cimport uint32_t

from pynats_server.core.engine cimport Engine
from pynats_server.core.memory.chunks cimport Chunk


cdef struct Piece:
    # A payload spliced in before offset `at` of the buffer; owns a chunk reference.
    size_t at
    const char* data
    size_t length
    Chunk* owner


cdef struct Output:
    char* data
    size_t start
    size_t end
    size_t capacity
    Piece* pieces
    uint32_t first  # those from here to `last` are still to be written
    uint32_t last
    uint32_t places
    size_t outside  # bytes that wait outside of the buffer: of the pieces, and sealed ones
    size_t sealed  # those that a layer has made of what was here


cdef inline size_t output_pending(Output* output) noexcept:
    return output.end - output.start + output.outside


# More room at the end, where the buffer has less than `length`. Small buffers come from the pool of
# the engine.
cdef char* output_grow(Output* output, size_t length, Engine engine) except NULL
# A payload at the end, by reference.
cdef int output_splice(Output* output, const char* data, size_t length, Chunk* owner) except -1
# Writes what a single call takes; returns what that returns.
cdef ssize_t output_send(Output* output, int fd) noexcept
# Up to `most` bytes that are next, for whoever sends them in another way: where they lie if they are
# so many, else copied to `room`. `output_consume` follows.
cdef size_t output_next(Output* output, char* room, size_t most, const char** data) noexcept nogil
cdef void output_consume(Output* output, size_t n) noexcept
# Stops borrowing `shared`, which is about to be read into, unless much of it is still needed.
cdef int output_copy_borrowed(Output* output, Chunk* shared) except -1
# All is out: the buffer goes back.
cdef int output_drained(Output* output, Engine engine) except -1
# What waits is not written any more.
cdef void output_discard(Output* output) noexcept
# At the end of its owner.
cdef void output_free(Output* output) noexcept
# Invariants, for debug builds.
cdef void output_check(Output* output) noexcept
