"""Where the times of a stream's messages go back, because the clock was set back.

Times are in order but for a few turns: so the messages between two of them, a run, are searched as
a stream is whose clock was never set, and each run has a first message that runs out first.

Whatever lies before a turn was stored before the turn was noticed. So if a message has a time that
is yet to come, by the clock as it is now, it is at least as old as the notice; and that is counted
by the steady clock, since nobody knows which of its times was right.
"""
from libc.stdint cimport int64_t, uint64_t

cdef enum:
    STEP_NS = 1000000000  # a clock that is set back by less is waited for: times stay in order


cdef class Turn:
    cdef readonly uint64_t seq     # the first sequence behind it
    cdef readonly int64_t by_ns    # how far the time went back
    cdef readonly int64_t to_ns    # to which time
    cdef readonly int64_t since_ns # when it was noticed, by the steady clock
    cdef uint64_t ageless          # live messages from `seq` to below this one never age
    cdef uint64_t gathered         # TTLs of the run before it are known below this one


cdef class Turns:
    cdef list turns                # by ascending sequence; those in front of the stream go in time
    cdef int note(self, uint64_t seq, int64_t from_ns, int64_t to_ns, int64_t since_ns) except -1
    cdef int pass_below(self, uint64_t seq) except -1
