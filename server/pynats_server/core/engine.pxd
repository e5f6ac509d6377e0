"""The loop's I/O side: readiness, reading, output buffers, flushing, back-pressure, closing.

One thread owns everything here. The engine watches its sockets with an epoll set of its own, and the
asyncio loop watches that one descriptor: however many connections are ready, the loop runs a single
Python callback, and all reading and writing below it is compiled.

A turn: poll -> for each ready socket read, parse and route (output is only queued) -> flush each
connection with output once -> finish closing connections. Order per publisher and receiver holds
because a receiver's output is one sequence that only deliveries append to.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.core.figures cimport Counted
from pynats_server.core.sublist cimport Message, Sink, Subscription


cdef struct Chunk:
    # Counted memory that payloads are read into and written from.
    uint32_t references
    size_t capacity
    char* data

cdef struct Extern:
    # A payload spliced into the output before offset `at` of the buffer; owns a chunk reference.
    size_t at
    const char* data
    size_t length
    Chunk* owner


cdef class Pollable(Sink):
    cdef readonly int fd
    cdef int on_ready(self, uint32_t events) except -1


cdef class Engine(Counted):
    cdef object loop
    cdef readonly object handler
    cdef int epoll_fd
    cdef void** watched  # Pollable by descriptor, owned references
    cdef int watched_size
    cdef Chunk* chunk  # what sockets are read into
    cdef Chunk* current  # what is being parsed now
    cdef void** dirty
    cdef uint32_t dirty_length
    cdef uint32_t dirty_capacity
    cdef char** pool
    cdef uint32_t pool_length
    cdef list closing
    cdef list turn_work  # callables for the end of the turn
    cdef list stalled
    cdef object stall_timer
    cdef object tick_timer
    cdef bint in_turn
    cdef bint finish_scheduled
    cdef uint64_t random
    cdef readonly int64_t now  # monotonic, ns, of this turn
    cdef public bint tracing
    cdef public int64_t max_pending
    cdef public int64_t write_deadline_ns
    cdef public bint stall_producers
    cdef public double tick_interval  # seconds
    cdef readonly dict connections  # cid -> Connection
    cdef uint64_t last_cid
    cdef uint64_t run_stamp
    cdef public uint64_t slow_consumers
    cdef public uint64_t stale_connections
    cdef public uint64_t stalls
    cdef public uint64_t total_connections

    cdef int mark_dirty(self, Connection connection) except -1
    cdef int flush_dirty(self) except -1
    cdef int _settle(self) except -1
    cdef int watch(self, Pollable item, uint32_t events) except -1
    cdef int unwatch(self, Pollable item) except -1
    cdef int hold_back(self, Connection producer, Connection receiver) except -1
    cdef int release(self, Connection receiver) except -1
    cdef int schedule_close(self, Connection connection) except -1
    cdef char* take_buffer(self) except NULL
    cdef void give_buffer(self, char* buffer) noexcept


cdef enum PauseReason:
    PAUSE_AUTH = 1
    PAUSE_STALL = 2


cdef class Connection(Pollable):
    cdef readonly Engine engine
    cdef readonly uint64_t cid
    cdef readonly str host
    cdef readonly int port
    cdef readonly double start  # wall clock, s
    cdef int64_t opened  # the same moment, monotonic ns
    cdef public int reason  # CloseReason once closing
    cdef readonly bint closing
    cdef bint closed
    cdef bint is_dirty
    cdef bint may_stall  # a producer that back-pressure may pause
    cdef uint32_t interest  # epoll events asked for
    cdef uint32_t paused  # PauseReason bits
    cdef bint unwatched  # gone while paused: the poll would report that again and again
    # input
    cdef char* carry  # unparsed remains of the last read
    cdef size_t carry_length
    cdef Chunk* assembly  # a large frame while it arrives
    cdef size_t assembly_length
    cdef size_t wanted  # bytes the parser needs for its next frame, 0 = unknown
    # output
    cdef char* out
    cdef size_t out_start
    cdef size_t out_end
    cdef size_t out_capacity
    cdef Extern* externs
    cdef uint32_t extern_start
    cdef uint32_t extern_end
    cdef uint32_t extern_capacity
    cdef size_t extern_bytes
    cdef bint blocked  # the kernel's buffer is full: waiting for writability
    cdef int64_t blocked_since
    cdef uint64_t written
    cdef uint64_t deadline_mark
    cdef int64_t backlog_since  # when the backlog passed BACKLOG_HIGH, 0 = below
    cdef list waiters  # producers held back by this receiver
    cdef int64_t stall_until
    # figures
    cdef readonly uint64_t stalls
    cdef readonly int64_t last_input  # monotonic ns
    cdef readonly int64_t last_activity

    cdef int on_readable(self) except -1
    cdef int parse(self, char* data, size_t length) except -1
    cdef int parse_chunk(self, Chunk* chunk, size_t length) except -1
    cdef int _parse_assembly(self) except -1
    cdef int _keep_more(self, const char* data, size_t length) except -1
    # Parses what it can and returns the bytes taken. Sets `wanted` when it knows the frame's size.
    cdef Py_ssize_t on_data(self, char* data, size_t length) except -1
    cdef int on_tick(self) except -1
    cdef int on_closed(self) except -1
    cdef int flush(self) except -1
    cdef int close_with(self, int reason) except -1
    cdef int finish_close(self) except -1
    cdef int pause(self, uint32_t why) except -1
    cdef int resume(self, uint32_t why) except -1
    cdef int set_interest(self, uint32_t events) except -1
    cdef int add_extern(self, const char* data, size_t length, Chunk* owner) except -1
    cdef char* grow(self, size_t length) except NULL
    cdef int append(self, const char* data, size_t length) except -1
    cdef int write(self, const char* data, size_t length) except -1
    # Only when nothing is pending.
    cdef int write_through(self, const char* data, size_t length) except -1
    cdef int reparse(self) except -1
    cdef ssize_t _send_pieces(self) noexcept
    cdef void _consume(self, size_t n) noexcept
    cdef int _drained(self) except -1
    cdef int _block(self) except -1
    cdef void _discard_output(self) noexcept
    cdef void _hang_up(self) noexcept

    cdef inline size_t pending(self) noexcept:
        return self.out_end - self.out_start + self.extern_bytes

    # Room for `length` bytes at the end of the output; the caller adds what it used to out_end.
    cdef inline char* reserve(self, size_t length) except NULL:
        if self.out_capacity - self.out_end >= length:
            return self.out + self.out_end
        return self.grow(length)

    cdef inline int touch_output(self) except -1:
        if not self.is_dirty:
            return self.engine.mark_dirty(self)
        return 0


cdef Chunk* chunk_new(size_t capacity) except NULL
cdef void chunk_release(Chunk* chunk) noexcept
cdef int64_t monotonic_ns() noexcept nogil
