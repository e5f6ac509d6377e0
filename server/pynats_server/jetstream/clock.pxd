"""The time that JetStream stores and compares: nanoseconds since 1970."""
from libc.stdint cimport INT64_MAX, int64_t
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec


cdef inline int64_t wall_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef inline int64_t after(int64_t at, int64_t delay) noexcept nogil:
    """A time that much later; the last one there is, where that would be too late."""
    return INT64_MAX if at > 0 and delay > INT64_MAX - at else at + delay
