"""Debug builds (`BROKER_DEBUG`) count what the data plane hands out and takes back, and abort where
an invariant is broken. Release builds contain none of it.

After an engine and all its accounts and connections are gone, every count is what it was before.
"""
from libc.stdint cimport int64_t

cdef extern from *:
    """
    #ifndef BROKER_DEBUG
    #define BROKER_DEBUG 0
    #endif
    """
    const bint BROKER_DEBUG


cdef enum Thing:
    CHUNKS  # in use; spare ones are not counted
    BUFFERS  # likewise
    MATCHES
    SUBSCRIPTIONS
    THINGS  # their number


cdef int64_t[THINGS] alive  # now
cdef int64_t[THINGS] made  # ever

cdef void report_broken(const char* rule) noexcept nogil


cdef inline void count_made(int thing) noexcept nogil:
    if BROKER_DEBUG:
        alive[thing] += 1
        made[thing] += 1


cdef inline void count_gone(int thing) noexcept nogil:
    if BROKER_DEBUG:
        alive[thing] -= 1
        if alive[thing] < 0:
            report_broken(b"more given back than taken")


# `holds` must have no side effects: release builds do not evaluate it.
cdef inline void must(bint holds, const char* rule) noexcept nogil:
    if BROKER_DEBUG:
        if not holds:
            report_broken(rule)
