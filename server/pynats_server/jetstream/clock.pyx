"""See clock.pxd."""

cdef int64_t SECOND = 1000000000
cdef int64_t MILLISECOND = 1000000

cdef int64_t set_by = 0
cdef int64_t steady_from = 0
steady_from = wall_ns() - monotonic_ns()


cdef int64_t drift_ns() noexcept nogil:
    cdef int64_t drift = wall_ns() - steady_ns()
    # Times of consumers are kept to the second; and two clocks are never read at once.
    if -SECOND < 2 * drift < SECOND:
        return 0
    return drift // MILLISECOND * MILLISECOND


def now_ns() -> int:
    """The wall clock's time."""
    return wall_ns()


def steady_now_ns() -> int:
    """The steady clock's time."""
    return steady_ns()


def as_wall_ns(int64_t steady) -> int:
    """What the wall clock, as it is set now, showed at a steady time."""
    return steady + drift_ns()


def set_wall_clock(int64_t ahead_ns) -> None:
    """For tests: from now on the wall clock of this process is ahead of the machine's."""
    global set_by
    set_by = ahead_ns
