"""A rate limit in bits per second, as a bucket that fills evenly and holds one large message."""


cdef class Pace:
    def __init__(self, rate_bps: int, burst: int):
        self.bytes_per_ns = rate_bps / 8e9
        self.burst = self.left = max(burst, 1)

    cdef int64_t due(self, size_t size, int64_t now) noexcept:
        cdef double missing
        if self.at and now > self.at:
            self.left = min(self.burst, self.left + (now - self.at) * self.bytes_per_ns)
        self.at = now
        # What is larger than the bucket has to do with a full one.
        missing = min(<double>size, self.burst) - self.left
        return now if missing <= 0 else now + <int64_t>(missing / self.bytes_per_ns) + 1

    cdef void take(self, size_t size) noexcept:
        self.left -= size
