"""One timer for all that consumers wait for: deadlines of acknowledgements and pulls, heartbeats."""
from libc.stdint cimport INT64_MAX, int64_t, uint64_t


cdef class Alarmed:
    cdef int64_t alarm_at  # wall clock, ns; 0 = none
    cdef int ring(self, int64_t now) except -1


cdef class Alarms:
    cdef object loop
    cdef list heap
    cdef object timer
    cdef int64_t timer_at
    cdef uint64_t count
    cdef bint stopped
    cdef object engine, on_error

    # Rings at `at` at the latest; what it asked for earlier stays in force if it is sooner.
    cdef int want(self, Alarmed who, int64_t at) except -1
    cdef int _arm(self) except -1


cdef inline int64_t after(int64_t at, int64_t delay) noexcept nogil:
    """A time that much later (not negative); the last one there is, where that is too late."""
    return INT64_MAX if at > 0 and delay > INT64_MAX - at else at + delay
