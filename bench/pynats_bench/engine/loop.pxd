"""Contract of the epoll loops: what a loop in another module inherits."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_bench.engine.net cimport epoll_event
from pynats_bench.engine.scan cimport Scanner
from pynats_bench.engine.secure cimport Secure
from pynats_server.core.sockets.layer cimport Layer

cdef enum:
    RECEIVE_BYTES = 262144   # one recv; larger no longer lowers the cost per byte
    SEND_BYTES = 65536       # one send: what client libraries buffer; larger gains nothing
    STASH_BYTES = 20480      # an incomplete control line waiting for the rest of it
    EVENTS_MAX = 256         # sockets served per epoll_wait
    LATENCY_BUCKETS = 2048   # 64 powers of two, 32 steps each: at most 3 % error


cdef struct LatencyCounts:
    uint64_t total
    uint64_t buckets[LATENCY_BUCKETS]


cdef inline void count_latency(LatencyCounts *self, uint64_t value_ns) noexcept nogil:
    cdef int shift = 0
    while (value_ns >> shift) >= 64:
        shift += 1
    self.buckets[shift * 32 + <int>(value_ns >> shift)] += 1
    self.total += 1


cdef inline uint64_t latency_quantile(LatencyCounts *self, double fraction) noexcept nogil:
    """Nanoseconds that `fraction` of the values did not exceed (upper bucket edge)."""
    cdef uint64_t rank = <uint64_t>(fraction * self.total), seen = 0
    cdef int bucket, shift
    for bucket in range(LATENCY_BUCKETS):
        seen += self.buckets[bucket]
        if seen and seen >= rank:
            shift = 0 if bucket < 64 else (bucket - 32) // 32
            return <uint64_t>((bucket - shift * 32) + 1) << shift
    return 0


cdef struct Connection:
    int fd
    Secure *secure           # NULL: bytes go as they are
    Scanner scanner
    char *stash
    size_t stash_len
    # Publishing: what is left of the current pass over the block, and of the whole task.
    char *block
    size_t position
    size_t limit
    uint64_t left
    uint64_t sequence
    uint32_t pongs_sent
    bint flushing
    bint finished
    # Requesting: the ready-made request and when the one in flight left.
    char *request
    size_t request_len
    int64_t sent_ns
    uint64_t answered


cdef class Loop:
    cdef Connection *connections
    cdef int count
    cdef int epoll
    cdef char *buffer
    cdef char *sealed        # what a recv brings of a connection with TLS
    cdef char error[400]
    cdef bint failed
    cdef bint stopping
    cdef int64_t progress_ns
    cdef int64_t stall_ns
    cdef readonly int64_t first_ns
    cdef readonly int64_t last_ns
    cdef readonly int64_t cpu_ns
    cdef list owned  # keeps the sockets' owners and blocks alive

    cdef int attach(self, object sockets, bytes verb, uint32_t publishers, uint32_t events) except -1
    cdef int secure(self, Connection *connection, Layer layer) except -1
    cdef void fail(self, const char *what, int code) noexcept nogil
    cdef bint watch(self, Connection *connection, int index, uint32_t events) noexcept nogil
    cdef ssize_t receive(self, Connection *connection) noexcept nogil
    cdef ssize_t transmit(self, Connection *connection, const char *data, size_t size) noexcept nogil
    cdef int transmit_all(self, Connection *connection, const char *data, size_t size) noexcept nogil
    cdef void keep(self, Connection *connection, size_t used, size_t size) noexcept nogil
    cdef bint consume(self, Connection *connection) noexcept nogil
    cdef bint answer_pings(self, Connection *connection) noexcept nogil
    cdef int wait(self, epoll_event *events) noexcept nogil
    cdef void work(self) noexcept nogil
