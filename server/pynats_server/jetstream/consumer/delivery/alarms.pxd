"""One timer for all that consumers wait for: deadlines of acknowledgements and pulls, heartbeats; and
one for what comes at a time of the day, as the ends of pauses."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.engine cimport Engine
from pynats_server.jetstream.clock cimport steady_ns


cdef class Alarmed:
    cdef int64_t alarm_at  # ns, of its alarms' clock; 0 = none
    cdef int ring(self, int64_t now) except -1


cdef class Alarms:
    cdef object loop
    cdef list heap
    cdef object timer
    cdef int64_t timer_at
    cdef uint64_t count
    cdef Py_ssize_t void  # entries of the heap, at most, whose time is another one by now
    cdef bint stopped
    cdef Engine engine
    cdef object on_error
    cdef int64_t round_ns, time_ns
    cdef bint by_wall  # the clock that may be set

    # The steady clock, read once in a round of a turn: for what comes many at a time.
    cdef inline int64_t now_ns(self) noexcept:
        if not self.engine.in_turn:
            return steady_ns()
        if self.round_ns != self.engine.now:
            self.round_ns = self.engine.now
            self.time_ns = steady_ns()
        return self.time_ns

    cdef int64_t read_clock(self) noexcept

    # Rings at `at` at the latest; what it asked for earlier stays in force if it is sooner.
    cdef int want(self, Alarmed who, int64_t at) except -1
    # Does not ring; of Python code, it is `forget`.
    cdef int drop(self, Alarmed who) except -1
    cdef int _avoid(self) except -1
    cdef int _arm(self) except -1


cdef class Appointment(Alarmed):
    """Of Python code: `call` is called when the time has come."""
    cdef Alarms alarms
    cdef object call
