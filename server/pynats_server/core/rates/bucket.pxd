"""A token bucket: `rate` tokens come in a second, and at most as many are kept. Time is passed in.

Whole numbers throughout, so that nothing is gained or lost however often it is asked.
"""
from libc.stdint cimport int64_t, uint64_t


cdef struct Bucket:
    uint64_t rate  # tokens a second, at most RATE_MAX; 0 = no limit
    int64_t tokens  # negative: what took more than there may be is still owed
    uint64_t part  # billionths of a token
    int64_t at  # the time that this is true of, ns


cdef void bucket_set(Bucket* bucket, uint64_t rate, int64_t now) noexcept nogil
cdef void bucket_fill(Bucket* bucket, int64_t now) noexcept nogil
# How many that cost so much each may pass. One that costs more than a full bucket has passes
# a full one, and what comes next waits the longer.
cdef uint64_t bucket_most(const Bucket* bucket, uint64_t cost) noexcept nogil
# How long until one may pass, ns, if nobody else takes something.
cdef uint64_t bucket_wait(const Bucket* bucket, uint64_t cost) noexcept nogil
