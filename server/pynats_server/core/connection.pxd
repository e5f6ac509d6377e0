"""A socket with its input and output. Subclasses speak the protocols.

Input is parsed where it was read; what the parser did not take is carried to the next read. Output
is a buffer plus references to large payloads at their places in it.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.core.engine cimport Engine, Peer
from pynats_server.core.memory.chunks cimport Chunk


cdef struct Extern:
    # A payload spliced into the output before offset `at` of the buffer; owns a chunk reference.
    size_t at
    const char* data
    size_t length
    Chunk* owner


cdef class Connection(Peer):
    cdef readonly str host
    cdef readonly int port
    cdef readonly double start  # wall clock, s
    cdef int64_t opened  # the same moment, monotonic ns
    cdef public int reason  # CloseReason once closing
    cdef bint closed
    cdef uint32_t interest  # epoll events asked for
    cdef bint unwatched  # gone while paused: the poll would report that again and again
    # input
    cdef size_t read_most  # bytes read at a time, 0 = as many as it may parse now
    cdef bint stranger  # has not logged in: little of it is read at a time
    cdef char* carry  # unparsed remains of the last read
    cdef size_t carry_length
    cdef Chunk* assembly  # a large frame while it arrives
    cdef size_t assembly_length
    cdef Chunk* rest  # instead of carry: unparsed input that stays where it was read
    cdef size_t rest_start
    cdef size_t rest_length
    cdef bint cut  # on_data stopped because its share of the turn is spent
    cdef bint waits  # among the engine's unfinished
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
    cdef int64_t blocked_since
    cdef uint64_t written
    cdef uint64_t deadline_mark
    # figures
    cdef readonly int64_t last_input  # monotonic ns
    cdef readonly int64_t last_activity

    cdef int on_readable(self) except -1
    cdef int parse(self, Chunk* chunk, char* data, size_t length) except -1
    cdef int parse_chunk(self, Chunk* chunk, size_t length) except -1
    cdef int _parse_assembly(self) except -1
    cdef int _keep_more(self, const char* data, size_t length) except -1
    cdef int _keep_rest(self, Chunk* chunk, char* data, size_t length) except -1
    # Parses what it can and returns the bytes taken. Sets `wanted` when it knows the frame's size.
    cdef Py_ssize_t on_data(self, char* data, size_t length) except -1
    cdef int on_closed(self) except -1
    cdef int set_interest(self, uint32_t events) except -1
    cdef int add_extern(self, const char* data, size_t length, Chunk* owner) except -1
    cdef char* grow(self, size_t length) except NULL
    cdef int append(self, const char* data, size_t length) except -1
    cdef int write(self, const char* data, size_t length) except -1
    # Only when nothing is pending.
    cdef int write_through(self, const char* data, size_t length) except -1
    cdef int _parse_again(self) except -1
    cdef void _forget_rest(self) noexcept
    cdef void check_output(self) noexcept
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
