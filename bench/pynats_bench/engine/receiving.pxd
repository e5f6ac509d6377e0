"""Contract of the loops that look at whole messages."""

from libc.stdint cimport int64_t

from pynats_bench.engine.loop cimport Connection, Loop
from pynats_bench.engine.scan cimport Message


cdef class ReceivingLoop(Loop):
    cdef int64_t checked_ns

    # Receives once and has every complete message taken. False: failed.
    cdef bint pull(self, Connection *connection, int index) noexcept nogil
    # One message, which came at `now`; overridden. False: failed.
    cdef bint take(self, Connection *connection, int index, const char *at, Message *message,
                   int64_t now) noexcept nogil
    # Fails: it begins like a message and is none; overridden. False.
    cdef bint malformed(
        self, Connection *connection, int index, const char *at, size_t size) noexcept nogil
    # Every tick: fails when a socket has waited for longer than the stall time, however busy the
    # others are.
    cdef bint check_silence(self) noexcept nogil
    # Whether it has, and the failure in words; both overridden by who waits for the server.
    cdef bint overdue(self, int index, int64_t now) noexcept nogil
    cdef void silent(self, int index) noexcept nogil
