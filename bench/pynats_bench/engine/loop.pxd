"""Contract of the epoll loops: what a loop in another module inherits."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_bench.engine.histogram cimport Counts
from pynats_bench.engine.net cimport epoll_event
from pynats_bench.engine.scan cimport Scanner
from pynats_bench.engine.secure cimport Secure
from pynats_server.core.sockets.layer cimport Layer

cdef enum:
    RECEIVE_BYTES = 262144   # one recv; larger no longer lowers the cost per byte
    SEND_BYTES = 65536       # one send: what client libraries buffer; larger gains nothing
    STASH_BYTES = 20480      # an incomplete control line; it grows where whole messages are needed
    STASH_MAX = 68157440     # the largest message that servers can be told to take, and its line
    EVENTS_MAX = 256         # sockets served per epoll_wait


cdef struct Connection:
    int fd
    Secure *secure           # NULL: bytes go as they are
    Scanner scanner
    char *stash
    size_t stash_len
    size_t stash_size
    bint handed              # the stash has what came before the loop: no recv is needed
    # What the client is to do and has done: the loop writes, any thread may read.
    uint64_t wanted          # messages; 0 = without end
    uint64_t messages
    uint64_t payload_bytes   # without headers
    int64_t first_ns         # CLOCK_MONOTONIC; 0 = not begun
    int64_t last_ns
    Counts *operations       # NULL: not measured
    Counts *deliveries
    # Pacing: `waiting` has something to begin at `ready_ns`, and not before.
    double due_ns
    int64_t ready_ns
    bint waiting
    # Publishing: what is left of the current pass over the block, and of the whole task.
    char *block
    size_t position
    size_t limit
    size_t pass_frames
    bint armed               # its socket's room is waited for
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
    cdef size_t buffer_size
    cdef char *sealed        # what a recv brings of a connection with TLS
    cdef char error[400]
    cdef bint failed
    cdef readonly int failed_at   # whose failure it was: the number of its socket, or -1
    cdef bint stopping
    cdef int64_t progress_ns
    cdef int64_t stall_ns    # 0: waits for ever
    cdef bint paced
    cdef int64_t sleep_ns
    cdef double interval_ns
    cdef uint64_t burst
    cdef readonly int64_t first_ns
    cdef readonly int64_t last_ns
    cdef readonly int64_t cpu_ns
    cdef list owned  # keeps the sockets' owners and blocks alive

    cdef int attach(self, object sockets, bytes verb, uint32_t publishers, uint32_t events) except -1
    cdef int secure(self, Connection *connection, Layer layer) except -1
    cdef void fail(self, const char *what, int code) noexcept nogil
    # The same, of one connection.
    cdef void fail_at(self, Connection *connection, const char *what, int code) noexcept nogil
    # Something could not be sent (errno says why): the server's reason, if it has told one.
    cdef void unsent(self, Connection *connection) noexcept nogil
    cdef bint watch(self, Connection *connection, int index, uint32_t events) noexcept nogil
    cdef ssize_t receive(self, Connection *connection) noexcept nogil
    cdef ssize_t transmit(self, Connection *connection, const char *data, size_t size) noexcept nogil
    cdef int transmit_all(self, Connection *connection, const char *data, size_t size) noexcept nogil
    cdef bint make_room(self, Connection *connection, size_t rest) noexcept nogil
    cdef void keep(self, Connection *connection, size_t used, size_t size) noexcept nogil
    cdef bint consume(self, Connection *connection) noexcept nogil
    cdef bint answer_pings(self, Connection *connection) noexcept nogil
    # How many messages may begin now. 0: see to it that `waiting` is set.
    cdef uint64_t allowance(self, Connection *connection, int64_t now) noexcept nogil
    # An operation of so many messages has begun: when the next one may.
    cdef void began(self, Connection *connection, int64_t now, uint64_t messages) noexcept nogil
    # The turn of a connection that was `waiting` has come; overridden by who paces. False: failed.
    cdef bint turn(self, Connection *connection, int index) noexcept nogil
    # Gives everyone whose time has come a turn; after `wait`. False: failed.
    cdef bint take_turns(self) noexcept nogil
    cdef int64_t until_turn(self) noexcept nogil
    cdef int wait(self, epoll_event *events) noexcept nogil
    cdef void work(self) noexcept nogil
