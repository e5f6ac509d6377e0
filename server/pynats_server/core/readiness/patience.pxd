"""Whether it pays to stay awake until the next event.

To be woken costs tens of microseconds where a core has to leave its idle state for it, which is more
than many a request costs. So who asks, waits for the answer and asks again is answered sooner by a
server that stays awake for a moment. Elsewhere the same would only burn a core. What has happened
last decides; time is passed in, so nothing here looks at a clock.

Asleep, gaps are measured between the end of a turn and the next event. When `need` of them, with
few others between, were short enough to be watched through, yet long enough to be worth it, staying
awake is tried. It goes on while it makes the gaps shorter, and while events come in time: some
watches in vain end it, and what has failed is tried again only after four times as many short gaps.
From time to time sleeping is tried anew: a client may have moved to this core, where nothing beats
it.
"""
from libc.stdint cimport int64_t


cdef class Patience:
    cdef public int64_t most_ns  # how long to stay awake in vain; 0: never
    cdef readonly bint awake  # whether the next event is awaited awake
    cdef readonly int need
    cdef int score  # of gaps that are worth it, less others
    cdef int64_t asleep  # how many of them, and their sum
    cdef int64_t asleep_ns
    cdef int64_t seen  # events since it stays awake
    cdef int64_t awake_ns  # the sum of their gaps
    cdef int credit

    # An event came so long after the turn before it: out of sleep, or while awake.
    cpdef void slept(self, int64_t gap_ns) noexcept
    cpdef void watched(self, int64_t gap_ns) noexcept
    # No event came for `most_ns`.
    cpdef void in_vain(self) noexcept
    cdef void note(self, int64_t gap_ns) noexcept
    cdef bint is_no_faster(self) noexcept
    cdef void give_up(self, bint failed) noexcept
