"""Contract of the publishing loop: what one that marks its messages inherits."""

from libc.stdint cimport uint64_t

from pynats_bench.engine.loop cimport Connection, Loop


cdef class PublishLoop(Loop):
    cdef uint64_t[::1] ends
    cdef size_t frames
    cdef size_t payload_bytes
    cdef bint flush
    cdef bint stamp
    cdef uint64_t first_publisher
    cdef readonly uint64_t digest
    cdef int open_count

    cdef void mark_pass(self, Connection *connection, int index, size_t frames) noexcept nogil
    cdef void end_pass(self, Connection *connection) noexcept nogil
    cdef bint next_pass(self, Connection *connection, int index) noexcept nogil
    cdef bint arm(self, Connection *connection, int index, bint armed) noexcept nogil
    cdef bint push(self, Connection *connection, int index) noexcept nogil
    cdef bint pull(self, Connection *connection) noexcept nogil
    cdef void publish(self) noexcept nogil
