"""A socket with its input and output. Subclasses speak the protocols.

Input is parsed where it was read; what the parser did not take is carried to the next read. What is
written waits in an `Output` until the end of the turn.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.core.engine cimport Engine, Peer
from pynats_server.core.memory.chunks cimport Chunk
from pynats_server.core.sockets.output cimport Output, output_grow, output_pending


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
    cdef Output output
    cdef int64_t blocked_since
    cdef uint64_t written
    cdef uint64_t deadline_mark
    # figures
    cdef readonly int64_t last_input  # monotonic ns
    cdef readonly int64_t last_activity

    cdef int on_readable(self) except -1
    # The parts of that: the chunk to read into, behind what is carried, how much, and what becomes
    # of `n` bytes, of which the first `missing` belong to the frame that is being assembled.
    cdef Chunk* chunk_to_fill(self) except NULL
    cdef size_t room_to_read(self) noexcept
    cdef int end_of_input(self, ssize_t n) except -1
    cdef int take_input(self, size_t n, size_t missing) except -1
    cdef int parse(self, Chunk* chunk, char* data, size_t length) except -1
    cdef int parse_chunk(self, Chunk* chunk, size_t length) except -1
    cdef int _parse_assembly(self) except -1
    cdef int _keep_more(self, const char* data, size_t length) except -1
    cdef int _keep_rest(self, Chunk* chunk, char* data, size_t length) except -1
    # Parses what it can and returns the bytes taken. Sets `wanted` when it knows the frame's size.
    cdef Py_ssize_t on_data(self, char* data, size_t length) except -1
    cdef int on_closed(self) except -1
    cdef int set_interest(self, uint32_t events) except -1
    cdef int append(self, const char* data, size_t length) except -1
    cdef int write(self, const char* data, size_t length) except -1
    # Only when nothing is pending.
    cdef int write_through(self, const char* data, size_t length) except -1
    cdef int _parse_again(self) except -1
    cdef void _forget_rest(self) noexcept
    # What waits is not written any more.
    cdef void discard(self) noexcept
    cdef int _drained(self) except -1
    cdef int _block(self) except -1
    cdef void _hang_up(self) noexcept

    cdef inline size_t pending(self) noexcept:
        return output_pending(&self.output)

    # Room for `length` bytes at the end of the output; the caller adds what it used to output.end.
    cdef inline char* reserve(self, size_t length) except NULL:
        if self.output.capacity - self.output.end >= length:
            return self.output.data + self.output.end
        return output_grow(&self.output, length, self.engine)

    cdef inline int touch_output(self) except -1:
        if not self.is_dirty:
            return self.engine.mark_dirty(self)
        return 0
