"""One timer for all that consumers wait for: deadlines of acknowledgements and pulls, heartbeats."""
from libc.stdint cimport int64_t, uint64_t


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
