"""The times of JetStream, in ns since 1970: the wall clock, which is stored and shown, and the
steady one, by which deadlines run. The wall clock may be set, the steady one goes on: it begins with
the wall clock's time when the process starts, and is never set."""
from libc.stdint cimport INT64_MAX, int64_t
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec

from pynats_server.core.clock cimport monotonic_ns

cdef int64_t set_by      # how far the wall clock is moved, by tests
cdef int64_t steady_from # what the steady clock has more than the monotonic one


cdef inline int64_t wall_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec + set_by


cdef inline int64_t steady_ns() noexcept nogil:
    return monotonic_ns() + steady_from


cdef inline int64_t after(int64_t at, int64_t delay) noexcept nogil:
    """A time that much later; the last one there is, where that would be too late."""
    return INT64_MAX if at > 0 and delay > INT64_MAX - at else at + delay


# How much the wall clock has been set since the start: what is to be added to a steady time.
cdef int64_t drift_ns() noexcept nogil
