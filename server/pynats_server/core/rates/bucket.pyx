"""See bucket.pxd."""
from libc.stdint cimport UINT64_MAX

from pynats_server.core.limits cimport RATE_MAX

cdef uint64_t SECOND = 1000000000


cdef void bucket_set(Bucket* bucket, uint64_t rate, int64_t now) noexcept nogil:
    """A new bucket is full; one whose rate changes keeps what it has, as far as that fits."""
    if bucket.rate == 0:
        bucket.tokens = <int64_t>rate
        bucket.at = now
    else:
        bucket_fill(bucket, now)
        bucket.tokens = min(bucket.tokens, <int64_t>rate)
    bucket.part = 0
    bucket.rate = rate


cdef void bucket_fill(Bucket* bucket, int64_t now) noexcept nogil:
    cdef uint64_t missing, seconds, gained
    if bucket.rate == 0 or now <= bucket.at:
        return
    missing = <uint64_t>(<int64_t>bucket.rate - bucket.tokens)
    seconds = <uint64_t>(now - bucket.at) // SECOND
    gained = (<uint64_t>(now - bucket.at) % SECOND) * bucket.rate + bucket.part
    bucket.at = now
    if missing == 0 or seconds > missing // bucket.rate:
        bucket.tokens = <int64_t>bucket.rate
        bucket.part = 0
        return
    bucket.part = gained % SECOND
    gained = gained // SECOND + seconds * bucket.rate
    if gained >= missing:
        gained = missing
        bucket.part = 0
    bucket.tokens += <int64_t>gained


cdef uint64_t bucket_most(const Bucket* bucket, uint64_t cost) noexcept nogil:
    if bucket.rate == 0 or cost == 0:
        return UINT64_MAX
    if bucket.tokens >= <int64_t>cost:
        return <uint64_t>bucket.tokens // cost
    return 1 if bucket.tokens == <int64_t>bucket.rate else 0


cdef uint64_t bucket_wait(const Bucket* bucket, uint64_t cost) noexcept nogil:
    cdef int64_t missing
    if bucket_most(bucket, cost):
        return 0
    missing = <int64_t>min(cost, bucket.rate) - bucket.tokens
    if <uint64_t>missing > 2 * RATE_MAX:  # far away, and what follows would overflow
        return <uint64_t>missing // bucket.rate * SECOND
    return (<uint64_t>missing * SECOND - bucket.part + bucket.rate - 1) // bucket.rate
