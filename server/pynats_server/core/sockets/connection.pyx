"""See connection.pxd."""
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset
from posix.unistd cimport close as c_close

import time

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.engine cimport PAUSE_AUTH, PAUSE_GREETING, PAUSE_RATE, count_bytes
from pynats_server.core.epoll cimport (
    EPOLL_CTL_MOD, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, epoll_ctl, epoll_event,
)
from pynats_server.core.ledger cimport BROKER_DEBUG, must
from pynats_server.core.limits cimport (
    ASSEMBLY_MIN, BACKLOG_LOW, CLOSE_DRAIN, LOGIN_READ, READ_CHUNK, READ_MIN, READ_PER_STEP,
    SEND_STEPS,
)
from pynats_server.core.memory.chunks cimport chunk_new, chunk_release
from pynats_server.core.sockets.calls cimport (
    MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, iovec, msghdr, recv, recvmsg, send, shutdown,
)
from pynats_server.core.sockets.output cimport (
    output_check, output_copy_borrowed, output_discard, output_drained, output_free, output_send,
)

from pynats_server.core.reasons import CloseReason

cdef int REASON_CLIENT_CLOSED = CloseReason.CLIENT_CLOSED
cdef int REASON_READ_ERROR = CloseReason.READ_ERROR
cdef int REASON_WRITE_ERROR = CloseReason.WRITE_ERROR
cdef int REASON_WRITE_DEADLINE = CloseReason.SLOW_CONSUMER_WRITE_DEADLINE


cdef class Connection(Peer):
    """See the module; handler calls are listed at `Engine`."""

    def __cinit__(self, Engine engine not None, sock, str host, int port, *args, **kwargs):
        self.engine = engine
        sock.setblocking(False)
        self.host = host
        self.port = port
        self.start = time.time()
        self.waiters = []
        self.opened = self.last_input = self.last_activity = monotonic_ns()
        engine.last_cid += 1
        engine.total_connections += 1
        self.cid = engine.last_cid
        self.fd = sock.detach()

    def come_from(self, str host not None, int port) -> None:
        """A proxy has told who the peer is: from now on this is its address."""
        self.host = host
        self.port = port

    def open(self) -> None:
        """Starts reading."""
        self.interest = EPOLLIN | (EPOLLOUT if self.blocked else 0)
        self.engine.connections[self.cid] = self
        self.engine.watch(self, self.interest)

    def __dealloc__(self):
        if self.fd >= 0:
            c_close(self.fd)
        free(self.carry)
        if self.rest != NULL:
            chunk_release(self.rest)
        if self.assembly != NULL:
            chunk_release(self.assembly)
        output_free(&self.output)

    # --- figures ---

    @property
    def pending_bytes(self) -> int:
        return self.pending()

    @property
    def pending_chunks(self) -> int:
        """Pieces of memory that the pending bytes lie in."""
        return self.output.last - self.output.first + (self.output.end > self.output.start)

    # --- input ---

    cdef int on_ready(self, uint32_t events) except -1:
        if events & EPOLLOUT and self.blocked:
            self.flush()
        if self.closing or not events & (EPOLLIN | EPOLLHUP | EPOLLERR):
            return 0
        if not self.paused and not self.waits:
            return self.on_readable()
        if self.paused & PAUSE_GREETING:
            self.set_interest(self.interest & ~<uint32_t>EPOLLIN)
        if events & (EPOLLHUP | EPOLLERR):
            if not self.paused & PAUSE_AUTH and not (events & EPOLLERR and self.paused & PAUSE_RATE):
                # The peer is gone, but what it sent before counts: parsed when its time comes. That
                # may be hours away where limits hold it back, so there only if it has hung up.
                self.engine.unwatch(self)
                self.unwatched = True
            else:
                self.close_with(REASON_CLIENT_CLOSED)
        return 0

    cdef int on_readable(self) except -1:
        cdef Chunk* chunk = self.chunk_to_fill()
        cdef ssize_t n
        cdef size_t missing = 0
        cdef iovec parts[2]
        cdef msghdr message
        if self.assembly != NULL:
            missing = self.assembly.capacity - self.assembly_length
            parts[0].iov_base = self.assembly.data + self.assembly_length
            parts[0].iov_len = missing
            parts[1].iov_base = chunk.data
            parts[1].iov_len = chunk.capacity
            memset(&message, 0, sizeof(message))
            message.msg_iov = parts
            message.msg_iovlen = 2
            n = recvmsg(self.fd, &message, MSG_DONTWAIT)
        else:
            n = recv(
                self.fd, chunk.data + self.carry_length,
                min(self.room_to_read(), chunk.capacity - self.carry_length), MSG_DONTWAIT,
            )
        if n <= 0:
            return self.end_of_input(n)
        self.last_input = self.engine.now
        return self.take_input(n, missing)

    cdef Chunk* chunk_to_fill(self) except NULL:
        cdef Engine engine = self.engine
        cdef Chunk* chunk
        must(self.rest == NULL, b"nothing is read while input waits")
        if engine.chunk.references > 1:
            # Output still refers to the chunk: send that now. If some of it remains, leave the
            # chunk to it and read into a fresh one.
            engine.flush_dirty()
            if engine.chunk.references > 1:
                chunk = chunk_new(READ_CHUNK)
                chunk_release(engine.chunk)
                engine.chunk = chunk
        if self.carry_length:
            if self.carry_length * 2 > engine.chunk.capacity:  # with an enormous max_control_line
                chunk = chunk_new(self.carry_length * 4)
                chunk_release(engine.chunk)
                engine.chunk = chunk
            memcpy(engine.chunk.data, self.carry, self.carry_length)
        return engine.chunk

    cdef size_t room_to_read(self) noexcept:
        """Not much more than it may parse now."""
        if self.stranger:
            return LOGIN_READ
        cdef size_t room = max(READ_MIN, self.engine.slice_steps * READ_PER_STEP)
        return min(room, self.read_most) if self.read_most else room

    cdef int end_of_input(self, ssize_t n) except -1:
        """A read brought nothing: not yet, or never again."""
        if n < 0 and (errno == EAGAIN or errno == EINTR):
            return 0
        return self.close_with(REASON_CLIENT_CLOSED if n == 0 else REASON_READ_ERROR)

    cdef int take_input(self, size_t n, size_t missing) except -1:
        cdef Chunk* chunk = self.engine.chunk
        if self.assembly == NULL:
            return self.parse_chunk(chunk, self.carry_length + n)
        if n < missing:
            self.assembly_length += n
            return 0
        self.assembly_length += missing
        n -= missing
        self._parse_assembly()
        if n and not self.closing:
            if self.paused or self.waits or self.assembly != NULL:
                # Cannot be parsed yet: keep it behind what already waits.
                self._keep_more(chunk.data, n)
            else:
                self.parse_chunk(chunk, n)
        return 0

    cdef int parse_chunk(self, Chunk* chunk, size_t length) except -1:
        self.engine.current = chunk
        return self.parse(chunk, chunk.data, length)

    cdef int _parse_assembly(self) except -1:
        cdef Chunk* chunk = self.assembly
        cdef size_t length = self.assembly_length
        cdef Chunk* before = self.engine.current
        self.assembly = NULL
        self.assembly_length = 0
        self.engine.current = chunk
        try:
            self.parse(chunk, chunk.data, length)
        finally:
            self.engine.current = before
            chunk_release(chunk)
        return 0

    cdef int _keep_more(self, const char* data, size_t length) except -1:
        cdef char* grown
        if self.assembly != NULL:
            if self.assembly.capacity - self.assembly_length < length:
                raise AssertionError("input beyond the frame that is being assembled")
            memcpy(self.assembly.data + self.assembly_length, data, length)
            self.assembly_length += length
            return 0
        grown = <char*>realloc(self.carry, self.carry_length + self.rest_length + length)
        if grown == NULL:
            raise MemoryError()
        self.carry = grown
        if self.rest != NULL:
            memcpy(grown, self.rest.data + self.rest_start, self.rest_length)
            self.carry_length = self.rest_length
            self._forget_rest()
        memcpy(grown + self.carry_length, data, length)
        self.carry_length += length
        return 0

    cdef void _forget_rest(self) noexcept:
        if self.rest != NULL:
            chunk_release(self.rest)
            self.rest = NULL
            self.rest_length = 0

    cdef int parse(self, Chunk* chunk, char* data, size_t length) except -1:
        """Parses what lies in a chunk, and keeps what the parser did not take."""
        cdef size_t rest
        cdef Py_ssize_t taken
        cdef char* old = self.carry
        self.carry = NULL  # its bytes are at the front of data
        self.carry_length = 0
        self.wanted = 0
        self.cut = False
        try:
            taken = self.on_data(data, length)
        finally:
            free(old)
        must(0 <= taken <= <Py_ssize_t>length, b"a parser takes what it was given")
        if self.closing:
            return 0
        rest = length - taken
        if rest == 0:
            return 0
        if self.cut and not self.paused and not self.waits:
            self.waits = True
            self.engine.finish_later(self)
        if self.wanted > ASSEMBLY_MIN and self.wanted > rest and not self.paused and not self.cut:
            self.assembly = chunk_new(self.wanted)
            memcpy(self.assembly.data, data + taken, rest)
            self.assembly_length = rest
            return 0
        return self._keep_rest(chunk, data + taken, rest)

    cdef int _keep_rest(self, Chunk* chunk, char* data, size_t length) except -1:
        """Much of a chunk stays where it is until its time comes, little is copied, which gives the
        chunk back. So is the beginning of a frame: the next read goes behind it."""
        cdef Chunk* fresh
        if (self.paused or self.waits) and length >= READ_MIN and length * 4 >= chunk.capacity:
            chunk.references += 1
            self.rest = chunk
            self.rest_start = data - chunk.data
            self.rest_length = length
            if chunk == self.engine.chunk:  # the others read into another one
                fresh = chunk_new(READ_CHUNK)
                chunk_release(chunk)
                self.engine.chunk = fresh
            return 0
        self.carry = <char*>malloc(length)
        if self.carry == NULL:
            raise MemoryError()
        memcpy(self.carry, data, length)
        self.carry_length = length
        return 0

    cdef Py_ssize_t on_data(self, char* data, size_t length) except -1:
        raise NotImplementedError

    cdef int go_on(self) except -1:
        """Parses what waited, while reading was paused or for more steps, and then reads again."""
        self.waits = False
        if self.paused or self.closing:
            return 0
        if self.rest != NULL or self.carry_length:
            self._parse_again()
        if self.paused or self.closing or self.waits:
            return 0
        return self.set_interest(self.interest | EPOLLIN)

    cdef int _parse_again(self) except -1:
        cdef Chunk* chunk = self.rest
        cdef size_t start = self.rest_start
        cdef size_t length = self.rest_length
        cdef Chunk* before = self.engine.current  # another parse may be under way
        if chunk != NULL:
            self.rest = NULL  # its reference is ours now
            self.rest_length = 0
        else:
            start = 0
            length = self.carry_length
            chunk = chunk_new(length)
            memcpy(chunk.data, self.carry, length)
        self.engine.current = chunk
        try:
            self.parse(chunk, chunk.data + start, length)
        finally:
            self.engine.current = before
            chunk_release(chunk)
        return 0

    cdef int pause(self, uint32_t why) except -1:
        self.paused |= why
        return self.set_interest(self.interest & ~<uint32_t>EPOLLIN)

    cdef int resume(self, uint32_t why) except -1:
        self.paused &= ~why
        if self.paused or self.closing or self.waits:
            return 0
        self.waits = True
        return self.engine.finish_later(self)

    cdef int set_interest(self, uint32_t events) except -1:
        cdef epoll_event event
        if self.unwatched and not self.closed and events & EPOLLIN:
            self.unwatched = False
            self.interest = events
            return self.engine.watch(self, events)
        if events == self.interest or self.closed:
            return 0
        self.interest = events
        if self.unwatched:
            return 0
        event.events = events
        event.data.fd = self.fd
        epoll_ctl(self.engine.epoll_fd, EPOLL_CTL_MOD, self.fd, &event)
        return 0

    # --- output ---

    cdef int append(self, const char* data, size_t length) except -1:
        memcpy(self.reserve(length), data, length)
        self.output.end += length
        return 0

    cdef int write(self, const char* data, size_t length) except -1:
        """Queues bytes; they leave at the end of the turn."""
        self.append(data, length)
        return self.touch_output()

    cdef int write_through(self, const char* data, size_t length) except -1:
        """Sends bytes at once, from where they are, when nothing waits before them; queues what
        the kernel does not take."""
        cdef ssize_t n = send(self.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL)
        self.engine.routing.steps += SEND_STEPS
        count_bytes(self.engine, length)
        if n == <ssize_t>length:
            self.written += n
            return 0
        if n > 0:
            self.written += n
            data += n
            length -= n
        self.append(data, length)
        return self.flush()  # which tells a full kernel buffer from an error

    def send(self, bytes data not None) -> None:
        """Queues protocol bytes, in order with what is queued already."""
        if not self.closing:
            self.write(data, len(data))

    cdef int flush(self) except -1:
        """Writes until all is out or the kernel's buffer is full."""
        cdef ssize_t n
        if self.closed:
            return 0
        if BROKER_DEBUG:
            output_check(&self.output)
        while True:
            if self.pending() == 0:
                self._drained()
                break
            n = output_send(&self.output, self.fd)
            self.engine.routing.steps += SEND_STEPS
            if n > 0:
                count_bytes(self.engine, n)
                self.written += n
                continue
            if n < 0 and errno == EINTR:
                continue
            if n < 0 and errno == EAGAIN:
                self._block()
                break
            self.discard()
            return self.close_with(REASON_WRITE_ERROR)
        if self.backlog_since_ns and self.pending() < BACKLOG_LOW:
            self.engine.release(self)
        return 0

    cdef void discard(self) noexcept:
        output_discard(&self.output)

    cdef int _drained(self) except -1:
        output_drained(&self.output, self.engine)
        if self.blocked:
            self.blocked = False
            self.set_interest(self.interest & ~<uint32_t>EPOLLOUT)
        return 0

    cdef int _block(self) except -1:
        """The receiver does not keep up: wait for writability, and stop borrowing the chunk that
        is about to be read into, unless much of it is still needed."""
        if not self.blocked:
            self.blocked = True
            self.blocked_since = self.engine.now
            self.deadline_mark = self.written + self.pending()
            self.set_interest(self.interest | EPOLLOUT)
        elif self.written >= self.deadline_mark:
            # What was pending at the last mark is out: the deadline starts again for the rest.
            self.blocked_since = self.engine.now
            self.deadline_mark = self.written + self.pending()
        return output_copy_borrowed(&self.output, self.engine.chunk)

    # --- time ---

    cdef int on_tick(self) except -1:
        if self.blocked and not self.closing:
            if self.written >= self.deadline_mark:
                self.blocked_since = self.engine.now
                self.deadline_mark = self.written + self.pending()
            elif self.engine.now - self.blocked_since > self.engine.write_deadline_ns:
                self.engine.slow_consumers += 1
                self.engine.handler.on_slow_consumer(self, CloseReason.SLOW_CONSUMER_WRITE_DEADLINE)
                return self.close_with(REASON_WRITE_DEADLINE)
        return 0

    # --- end ---

    cdef int close_with(self, int reason) except -1:
        """Ends the connection: no more input or deliveries; queued output gets one last write at
        the end of the turn."""
        if self.closing:
            return 0
        self.closing = True
        self.reason = reason
        return self.engine.schedule_close(self)

    def close(self, reason) -> None:
        """Ends the connection for a CloseReason."""
        self.close_with(int(reason))

    cdef int finish_close(self) except -1:
        if self.closed:
            return 0
        if self.pending():
            self.flush()
        self.closed = True
        self.engine.release(self)
        self.engine.unwatch(self)
        self._hang_up()
        self.discard()
        self._drained()
        free(self.carry)
        self.carry = NULL
        self.carry_length = 0
        self._forget_rest()
        if self.assembly != NULL:
            chunk_release(self.assembly)
            self.assembly = NULL
        self.engine.connections.pop(self.cid, None)
        return self.on_closed()

    cdef void _hang_up(self) noexcept:
        """Half-closes and throws away unread input first: closing with unread input makes the
        kernel send a reset, which can destroy the last -ERR on its way."""
        cdef char scratch[16384]
        cdef size_t thrown = 0
        cdef ssize_t n
        shutdown(self.fd, SHUT_WR)
        while thrown < CLOSE_DRAIN:
            n = recv(self.fd, scratch, sizeof(scratch), MSG_DONTWAIT)
            if n <= 0:
                break
            thrown += n
        c_close(self.fd)
        self.fd = -1

    cdef int on_closed(self) except -1:
        self.engine.handler.on_closed(self)
        return 0
