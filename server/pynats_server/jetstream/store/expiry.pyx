"""When messages with a TTL of their own run out: a binary heap of (time, sequence).

Removing a message leaves its entry behind; the owner, who knows which sequences live, skips dead
entries at the top and rebuilds the heap when they outnumber the living. `header_marks` reads the
`Nats-TTL` header, the only durable record of a TTL (nats-server rebuilds its wheel from it too).
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp

cdef uint64_t SECOND = 1000000000
cdef uint64_t INT64_MAX = 0x7FFFFFFFFFFFFFFF
cdef uint64_t SECONDS_MAX = 0xFFFFFFFF  # as TTL_MAX_S of `publish.message_ttl`


cdef bint is_never(const uint8_t *p, size_t n) noexcept nogil:
    cdef size_t i
    if n != 5:
        return False
    for i in range(5):
        if (p[i] | 32) != (<const uint8_t *>b"never")[i]:
            return False
    return True


cdef uint64_t unit_of(const uint8_t *p, size_t n, size_t *used) noexcept nogil:
    """Nanoseconds of a duration unit at `p`, 0 when there is none."""
    used[0] = 2
    if n >= 2 and p[0] == c"n" and p[1] == c"s":
        return 1
    if n >= 2 and p[0] == c"u" and p[1] == c"s":
        return 1000
    if n >= 2 and p[0] == c"m" and p[1] == c"s":
        return 1000000
    if n >= 3 and (memcmp(p, b"\xc2\xb5s", 3) == 0 or memcmp(p, b"\xce\xbcs", 3) == 0):
        used[0] = 3
        return 1000
    used[0] = 1
    if n >= 1 and p[0] == c"s":
        return SECOND
    if n >= 1 and p[0] == c"m":
        return 60 * SECOND
    if n >= 1 and p[0] == c"h":
        return 3600 * SECOND
    return 0


cdef size_t digits(const uint8_t *p, size_t n, uint64_t *value) noexcept nogil:
    """How many digits there are; `value` is their number, above INT64_MAX when it is too large."""
    cdef size_t i = 0
    value[0] = 0
    while i < n and c"0" <= p[i] <= c"9":
        if value[0] <= INT64_MAX:
            # At most 2**63 * 10 + 9 in a step: what is lost leaves more than INT64_MAX.
            if value[0] > INT64_MAX // 10:
                value[0] = INT64_MAX + <uint64_t>1
            else:
                value[0] = value[0] * 10 + (p[i] - c"0")
        i += 1
    return i


cdef int64_t parse(const uint8_t *p, size_t n) noexcept nogil:
    """Whole seconds of a TTL value (nats-server drops the fraction), TTL_NEVER, or 0 for none and
    for what is none: `publish.message_ttl` has the rules."""
    cdef uint64_t number, fraction, unit, total = 0
    cdef double scale
    cdef size_t used, at
    if is_never(p, n):
        return TTL_NEVER
    used = digits(p, n, &number)
    if used == n:
        return in_range(number)
    if p[0] == c"+":
        p += 1
        n -= 1
    while n:
        used = digits(p, n, &number)
        at, fraction, scale = used, 0, 1
        if at < n and p[at] == c".":
            at += 1
            while at < n and c"0" <= p[at] <= c"9":
                if scale < 1e18:  # what is behind is less than a nanosecond
                    fraction = fraction * 10 + (p[at] - c"0")
                    scale *= 10
                used += 1
                at += 1
        if used == 0:
            return 0
        unit = unit_of(p + at, n - at, &used)
        if unit == 0 or number > INT64_MAX // unit:
            return 0
        total += number * unit + <uint64_t>(fraction * (unit / scale))
        if total > INT64_MAX:
            return 0
        p += at + used
        n -= at + used
    return in_range(total // SECOND)


cdef inline int64_t in_range(uint64_t seconds) noexcept nogil:
    if seconds > INT64_MAX:
        return 0
    return <int64_t>(seconds if seconds < SECONDS_MAX else SECONDS_MAX)


cdef int header_marks(const uint8_t *h, size_t n, int64_t *ttl) noexcept nogil:
    """HAS_TTL and HAS_SCHEDULE as the headers say; `ttl` becomes seconds, TTL_NEVER or 0."""
    cdef const uint8_t *end = h + n
    cdef const uint8_t *p = h
    cdef const uint8_t *stop
    cdef int marks = 0
    ttl[0] = 0
    while True:
        p = <const uint8_t *>memchr(p, c"\n", end - p)
        if p == NULL:
            return marks
        p += 1
        if end - p < 9 or p[0] != c"N" or p[1] != c"a":
            continue
        if memcmp(p, b"Nats-TTL:", 9) == 0 and ttl[0] == 0:
            p += 9
            stop = <const uint8_t *>memchr(p, c"\r", end - p)
            if stop == NULL:
                stop = end
            while p < stop and p[0] == c" ":
                p += 1
            ttl[0] = parse(p, stop - p)
            if ttl[0] > 0:
                marks |= HAS_TTL
        elif end - p >= 14 and memcmp(p, b"Nats-Schedule:", 14) == 0:
            marks |= HAS_SCHEDULE


def ttl_of(bytes headers not None):
    """Seconds of the `Nats-TTL` header, -1 for `never`, 0 without a valid one."""
    cdef int64_t ttl
    header_marks(<const uint8_t *>headers, len(headers), &ttl)
    return ttl


cdef class ExpiryQueue:
    def __dealloc__(self):
        free(self.heap)

    cdef int reserve(self) except -1:
        """Make room for one more, so that `insert` cannot fail."""
        cdef Py_ssize_t room
        cdef Expiry *grown
        if self.size < self.room:
            return 0
        room = self.room * 2 if self.room else 64
        grown = <Expiry *>realloc(self.heap, room * sizeof(Expiry))
        if grown == NULL:
            raise MemoryError
        self.heap, self.room = grown, room
        return 0

    cdef void insert(self, int64_t at, uint64_t seq) noexcept:
        cdef Py_ssize_t i = self.size, up
        while i:
            up = (i - 1) >> 1
            if self.heap[up].at <= at:
                break
            self.heap[i] = self.heap[up]
            i = up
        self.heap[i].at, self.heap[i].seq = at, seq
        self.size += 1

    cdef void drop_top(self) noexcept:
        self.size -= 1
        if self.size:
            self.heap[0] = self.heap[self.size]
            self.sift_down(0)

    cdef void drop_at(self, Py_ssize_t i) noexcept:
        """Take any entry out."""
        cdef Expiry moved
        self.size -= 1
        if i == self.size:
            return
        moved = self.heap[self.size]
        while i and self.heap[(i - 1) >> 1].at > moved.at:
            self.heap[i] = self.heap[(i - 1) >> 1]
            i = (i - 1) >> 1
        self.heap[i] = moved
        self.sift_down(i)

    cdef void sift_down(self, Py_ssize_t i) noexcept:
        cdef Expiry moved = self.heap[i]
        cdef Py_ssize_t down
        while True:
            down = 2 * i + 1
            if down >= self.size:
                break
            if down + 1 < self.size and self.heap[down + 1].at < self.heap[down].at:
                down += 1
            if self.heap[down].at >= moved.at:
                break
            self.heap[i] = self.heap[down]
            i = down
        self.heap[i] = moved

    cdef void order(self) noexcept:
        """Restore the heap after entries were taken out of the array."""
        cdef Py_ssize_t i
        for i in range(self.size // 2 - 1, -1, -1):
            self.sift_down(i)

    def __len__(self):
        return self.size

    def push(self, int64_t at, uint64_t seq):
        """Note that `seq` runs out at `at` (ns since 1970)."""
        self.reserve()
        self.insert(at, seq)

    def top(self):
        """(time, sequence) that runs out first, or None."""
        return (self.heap[0].at, self.heap[0].seq) if self.size else None

    def pop(self):
        """Take out what runs out first."""
        if not self.size:
            raise IndexError("empty")
        found = self.heap[0].at, self.heap[0].seq
        self.drop_top()
        return found

    def drop_above(self, uint64_t seq):
        """Forget sequences above `seq`: they will be given out again."""
        cdef Py_ssize_t i, kept = 0
        for i in range(self.size):
            if self.heap[i].seq <= seq:
                self.heap[kept] = self.heap[i]
                kept += 1
        self.size = kept
        self.order()

    def clear(self):
        """Forget everything."""
        self.size = 0
