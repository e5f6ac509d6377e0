"""Contract of the loops that answer what they receive."""

from pynats_bench.engine.loop cimport RECEIVE_BYTES, STASH_BYTES, Connection, Loop

cdef enum:
    OUT_BYTES = 2 * (RECEIVE_BYTES + STASH_BYTES)   # answers to one receive


cdef struct Text:
    const char *at
    size_t size


cdef class AnsweringLoop(Loop):
    cdef char *out
    cdef size_t filled
    cdef bint breaking   # the server's last words are being read

    cdef Text text(self, bytes given)   # for the loop, which knows no objects; kept alive
    # Gathered in `out`, sent with `flush` before another connection's turn. False: failed.
    cdef bint put(self, Connection *connection, const char *data, size_t size) noexcept nogil
    cdef bint put_text(self, Connection *connection, Text text) noexcept nogil
    cdef bint flush(self, Connection *connection) noexcept nogil
    # Receives and answers once; overridden.
    cdef bint pull(self, Connection *connection, int index) noexcept nogil
    # Fails with the reason and what was refused, to the end of its line. False.
    cdef bint refuse(
        self, Connection *connection, const char *reason, const char *at, size_t size
    ) noexcept nogil
