# cython: boundscheck=False, wraparound=False
"""See engine.pxd."""
cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memmove, memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.unistd cimport close as c_close

import os
import socket
import time

from pynats_server.core.limits cimport (
    ACCEPT_BATCH, ASSEMBLY_MIN, BACKLOG_HIGH, BACKLOG_HOLD_MS, BACKLOG_LOW, CHUNK_POOL, CLOSE_DRAIN,
    IOV_MAX_PIECES, OUT_BUFFER, OUT_POOL, POLL_EVENTS, POLL_ROUNDS, READ_CHUNK, STALL_MAX_MS,
    STALL_MIN_MS,
)

from pynats_server.core.reasons import CloseReason

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epfd, int op, int fd, epoll_event* event)
    int epoll_wait(int epfd, epoll_event* events, int maxevents, int timeout)
    enum:
        EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD
        EPOLL_CLOEXEC

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len

cdef extern from "<sys/socket.h>" nogil:
    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    ssize_t recv(int fd, void* buf, size_t length, int flags)
    ssize_t recvmsg(int fd, msghdr* message, int flags)
    ssize_t send(int fd, const void* buf, size_t length, int flags)
    ssize_t sendmsg(int fd, const msghdr* message, int flags)
    int shutdown(int fd, int how)
    enum:
        MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR

cdef enum:
    _IN = EPOLLIN
    _OUT = EPOLLOUT

cdef int REASON_CLIENT_CLOSED = CloseReason.CLIENT_CLOSED
cdef int REASON_READ_ERROR = CloseReason.READ_ERROR
cdef int REASON_WRITE_ERROR = CloseReason.WRITE_ERROR
cdef int REASON_WRITE_DEADLINE = CloseReason.SLOW_CONSUMER_WRITE_DEADLINE
cdef int REASON_PROTOCOL = CloseReason.PROTOCOL_VIOLATION


cdef int64_t monotonic_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef Chunk* spare_chunks[CHUNK_POOL]
cdef int spare_count = 0


cdef Chunk* chunk_new(size_t capacity) except NULL:
    global spare_count
    cdef Chunk* chunk
    if capacity == READ_CHUNK and spare_count:
        spare_count -= 1
        chunk = spare_chunks[spare_count]
        chunk.references = 1
        return chunk
    chunk = <Chunk*>malloc(sizeof(Chunk) + capacity)
    if chunk == NULL:
        raise MemoryError()
    chunk.references = 1
    chunk.capacity = capacity
    chunk.data = <char*>chunk + sizeof(Chunk)
    return chunk


cdef void chunk_release(Chunk* chunk) noexcept:
    global spare_count
    chunk.references -= 1
    if chunk.references:
        return
    if chunk.capacity == READ_CHUNK and spare_count < CHUNK_POOL:
        spare_chunks[spare_count] = chunk
        spare_count += 1
    else:
        free(chunk)


cdef class Pollable(Sink):
    cdef int on_ready(self, uint32_t events) except -1:
        raise NotImplementedError


cdef class Listener(Pollable):
    """A listening socket: accepts in batches and hands each socket to the callback."""
    cdef object sock
    cdef object accepted
    cdef object failed
    cdef Engine engine

    def __init__(self, Engine engine not None, sock, accepted, failed):
        self.engine = engine
        self.sock = sock
        self.fd = sock.fileno()
        self.accepted = accepted
        self.failed = failed
        sock.setblocking(False)
        engine.watch(self, _IN)

    cdef int on_ready(self, uint32_t events) except -1:
        for _ in range(ACCEPT_BATCH):
            try:
                sock, address = self.sock.accept()
            except BlockingIOError:
                break
            except OSError as error:  # out of descriptors and the like: pause, then go on
                self.failed(error)
                break
            self.accepted(sock, address)
        return 0

    def pause(self) -> None:
        """Stops taking connections; the backlog waits."""
        if self.fd >= 0:
            self.engine.unwatch(self)

    def resume(self) -> None:
        """Takes connections again after pause()."""
        if self.fd >= 0:
            self.engine.watch(self, _IN)

    def close(self) -> None:
        """Stops listening. Idempotent."""
        if self.fd >= 0:
            self.engine.unwatch(self)
            self.fd = -1
            self.sock.close()


cdef class Engine:
    """Owner of all sockets of one server.

    `handler` receives: on_closed(connection), on_slow_consumer(connection, reason),
    on_internal_error(connection, exception).
    """

    def __init__(self, loop, handler):
        self.loop = loop
        self.handler = handler
        self.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
        if self.epoll_fd < 0:
            raise OSError(errno, os.strerror(errno))
        self.chunk = chunk_new(READ_CHUNK)
        self.pool = <char**>calloc(OUT_POOL, sizeof(char*))
        if self.pool == NULL:
            raise MemoryError()
        self.closing = []
        self.turn_work = []
        self.stalled = []
        self.connections = {}
        self.random = int.from_bytes(os.urandom(8), "little") | 1
        self.max_pending = 64 << 20
        self.write_deadline_ns = 10_000_000_000
        self.stall_producers = True
        self.tick_interval = 0.25
        self.now = monotonic_ns()
        loop.add_reader(self.epoll_fd, self.turn)
        self.tick_timer = loop.call_later(self.tick_interval, self.tick)

    def close(self) -> None:
        """Closes what is left and gives the descriptor back. Idempotent."""
        if self.epoll_fd < 0:
            return
        if self.tick_timer is not None:
            self.tick_timer.cancel()
            self.tick_timer = None
        if self.stall_timer is not None:
            self.stall_timer.cancel()
            self.stall_timer = None
        for connection in list(self.connections.values()):
            (<Connection>connection).close_with(<int>CloseReason.SERVER_SHUTDOWN)
        self._finish_closing()
        self.loop.remove_reader(self.epoll_fd)
        c_close(self.epoll_fd)
        self.epoll_fd = -1

    def __dealloc__(self):
        cdef uint32_t i
        cdef int fd
        if self.epoll_fd > 0:
            c_close(self.epoll_fd)
        if self.chunk != NULL:
            chunk_release(self.chunk)
        for i in range(self.pool_length):
            free(self.pool[i])
        free(self.pool)
        free(self.dirty)
        for fd in range(self.watched_size):
            if self.watched[fd] != NULL:
                Py_DECREF(<object>self.watched[fd])
        free(self.watched)

    # --- readiness ---

    cdef int watch(self, Pollable item, uint32_t events) except -1:
        cdef epoll_event event
        cdef int size
        cdef void** grown
        if item.fd >= self.watched_size:
            size = max(1024, item.fd * 2)
            grown = <void**>realloc(self.watched, size * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            memset(grown + self.watched_size, 0, (size - self.watched_size) * sizeof(void*))
            self.watched = grown
            self.watched_size = size
        event.events = events
        event.data.fd = item.fd
        if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, item.fd, &event) != 0:
            raise OSError(errno, os.strerror(errno))
        Py_INCREF(item)  # owned by the table until unwatch
        self.watched[item.fd] = <void*>item
        return 0

    cdef int unwatch(self, Pollable item) except -1:
        if item.fd >= self.watched_size or self.watched[item.fd] != <void*>item:
            return 0
        epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, item.fd, NULL)
        self.watched[item.fd] = NULL
        Py_DECREF(item)
        return 0

    def turn(self) -> None:
        """Serves every ready socket; the loop calls this when there is one."""
        cdef epoll_event events[POLL_EVENTS]
        cdef int n, i, rounds, fd
        cdef Pollable item
        self.in_turn = True
        try:
            for rounds in range(POLL_ROUNDS):
                n = epoll_wait(self.epoll_fd, events, POLL_EVENTS, 0)
                if n <= 0:
                    break
                self.now = monotonic_ns()
                for i in range(n):
                    fd = events[i].data.fd
                    if fd >= self.watched_size or self.watched[fd] == NULL:
                        continue  # closed earlier in this turn
                    item = <Pollable>self.watched[fd]
                    try:
                        item.on_ready(events[i].events)
                    except Exception as error:
                        self._contain(item, error)
                self._settle()
        finally:
            self.in_turn = False

    cdef int _settle(self) except -1:
        """Flushes and closes until nothing is left: a close may let producers go on or publish
        events, which is output again, and nobody else would send it before the next turn."""
        while self.dirty_length or self.closing or self.turn_work:
            if self.turn_work:
                turn_work, self.turn_work = self.turn_work, []
                for work in turn_work:
                    work()
            self.flush_dirty()
            self._finish_closing()
        return 0

    def at_turn_end(self, work) -> None:
        """Runs `work()` once when everything that is readable now has been handled, before
        output is sent. It must not raise."""
        self.turn_work.append(work)
        if not self.in_turn and not self.finish_scheduled:
            self.finish_scheduled = True
            self.loop.call_soon(self._finish_turn)

    def _contain(self, item, error) -> None:
        """A bug in our code ends the connection that met it, never the server."""
        self.handler.on_internal_error(item, error)
        if isinstance(item, Connection):
            (<Connection>item).close_with(REASON_PROTOCOL)

    def tick(self) -> None:
        """Timers of all connections: deadlines, pings, authentication."""
        self.tick_timer = self.loop.call_later(self.tick_interval, self.tick)
        self.now = monotonic_ns()
        cdef Connection connection
        self.in_turn = True
        try:
            for connection in list(self.connections.values()):
                try:
                    connection.on_tick()
                except Exception as error:
                    self._contain(connection, error)
            self._settle()
        finally:
            self.in_turn = False

    # --- output ---

    cdef int mark_dirty(self, Connection connection) except -1:
        cdef void** grown
        cdef uint32_t capacity
        if self.dirty_length == self.dirty_capacity:
            capacity = self.dirty_capacity * 2 if self.dirty_capacity else 256
            grown = <void**>realloc(self.dirty, capacity * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            self.dirty = grown
            self.dirty_capacity = capacity
        Py_INCREF(connection)  # until flushed
        self.dirty[self.dirty_length] = <void*>connection
        self.dirty_length += 1
        connection.is_dirty = True
        if not self.in_turn and not self.finish_scheduled:
            self.finish_scheduled = True
            self.loop.call_soon(self._finish_turn)
        return 0

    def within_turn(self, work) -> None:
        """Runs `work()` and sends what it queued at once, as a turn would at its end."""
        if self.in_turn:
            work()
            return
        self.now = monotonic_ns()
        self.in_turn = True
        try:
            work()
            self._settle()
        finally:
            self.in_turn = False

    def _finish_turn(self) -> None:
        """Flushes and closes what Python code outside a turn has queued."""
        self.finish_scheduled = False
        self.in_turn = True
        try:
            self._settle()
        finally:
            self.in_turn = False

    cdef int flush_dirty(self) except -1:
        cdef uint32_t i = 0
        cdef Connection connection
        while i < self.dirty_length:  # flushing may close, and a close may queue more
            connection = <Connection>self.dirty[i]
            i += 1
            connection.is_dirty = False
            try:
                if not connection.blocked:
                    connection.flush()
            except Exception as error:
                self._contain(connection, error)
            finally:
                Py_DECREF(connection)
        self.dirty_length = 0
        return 0

    cdef char* take_buffer(self) except NULL:
        cdef char* buffer
        if self.pool_length:
            self.pool_length -= 1
            return self.pool[self.pool_length]
        buffer = <char*>malloc(OUT_BUFFER)
        if buffer == NULL:
            raise MemoryError()
        return buffer

    cdef void give_buffer(self, char* buffer) noexcept:
        if self.pool_length < OUT_POOL:
            self.pool[self.pool_length] = buffer
            self.pool_length += 1
        else:
            free(buffer)

    # --- back-pressure ---

    cdef int hold_back(self, Connection producer, Connection receiver) except -1:
        """Pauses a producer whose receiver has a backlog: first for as long as the receiver
        keeps draining (at most BACKLOG_HOLD_MS), near max_pending for a few ms per read."""
        cdef int64_t until
        cdef size_t pending = receiver.pending()
        cdef bint wakes = False  # the receiver lets go when it has drained, before the time is up
        if not producer.may_stall or producer is receiver or producer.closing:
            return 0
        if pending * 4 > <size_t>self.max_pending * 3:
            if not self.stall_producers:
                return 0
            until = self.now + (
                STALL_MAX_MS if pending >= <size_t>self.max_pending else STALL_MIN_MS
            ) * 1000000
        else:
            if receiver.backlog_since == 0:
                receiver.backlog_since = self.now
            until = receiver.backlog_since + BACKLOG_HOLD_MS * 1000000
            if until <= self.now:
                return 0  # it had its chance; the others must not wait for it
            wakes = True
        if producer.paused & PAUSE_STALL:
            if until > producer.stall_until:
                producer.stall_until = until
            return 0
        producer.stalls += 1
        self.stalls += 1
        producer.stall_until = until
        producer.pause(PAUSE_STALL)
        if wakes:  # once per producer and backlog, so the list is bounded
            receiver.waiters.append(producer)
        self.stalled.append(producer)
        if self.stall_timer is None:
            self.stall_timer = self.loop.call_later(
                max(0.0005, (until - self.now) / 1e9), self._end_stalls
            )
        return 0

    cdef int release(self, Connection receiver) except -1:
        """The receiver has drained: its producers go on."""
        cdef Connection producer
        receiver.backlog_since = 0
        waiters, receiver.waiters = receiver.waiters, []
        for producer in waiters:
            if producer.paused & PAUSE_STALL:
                self._resume_producer(producer)
        return 0

    def _resume_producer(self, Connection producer) -> None:
        """Lets a producer go on. Its input is parsed here: its troubles are not the receiver's."""
        try:
            producer.resume(PAUSE_STALL)
        except Exception as error:
            self._contain(producer, error)

    def _end_stalls(self) -> None:
        self.stall_timer = None
        self.now = monotonic_ns()
        cdef Connection producer
        # A producer may be in the list twice (let go and held again); one that is held back anew
        # below goes to the new list.
        stalled, self.stalled = dict.fromkeys(self.stalled), []
        for producer in stalled:
            if producer.closing or not producer.paused & PAUSE_STALL:
                continue
            if producer.stall_until <= self.now:
                self._resume_producer(producer)
            else:
                self.stalled.append(producer)
        if self.stall_timer is not None:  # set by hold_back just now; timers must not multiply
            self.stall_timer.cancel()
            self.stall_timer = None
        if self.stalled:
            soonest = min([(<Connection>held).stall_until for held in self.stalled])
            self.stall_timer = self.loop.call_later(
                max(0.0005, (soonest - self.now) / 1e9), self._end_stalls
            )

    # --- closing ---

    cdef int schedule_close(self, Connection connection) except -1:
        self.closing.append(connection)
        if not self.in_turn and not self.finish_scheduled:
            self.finish_scheduled = True
            self.loop.call_soon(self._finish_turn)
        return 0

    def _finish_closing(self) -> None:
        cdef Connection connection
        while self.closing:
            batch, self.closing = self.closing, []
            for connection in batch:
                try:
                    connection.finish_close()
                except Exception as error:
                    self.handler.on_internal_error(connection, error)


cdef class Connection(Pollable):
    """A socket with its input and output; subclasses speak the protocols."""

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

    def open(self) -> None:
        """Starts reading."""
        self.interest = _IN
        self.engine.connections[self.cid] = self
        self.engine.watch(self, _IN)

    def __dealloc__(self):
        cdef uint32_t i
        if self.fd >= 0:
            c_close(self.fd)
        free(self.carry)
        if self.assembly != NULL:
            chunk_release(self.assembly)
        for i in range(self.extern_start, self.extern_end):
            chunk_release(self.externs[i].owner)
        free(self.externs)
        free(self.out)

    # --- figures ---

    @property
    def pending_bytes(self) -> int:
        return self.pending()

    @property
    def pending_chunks(self) -> int:
        """Pieces of memory that the pending bytes lie in."""
        return self.extern_end - self.extern_start + (self.out_end > self.out_start)

    # --- input ---

    cdef int on_ready(self, uint32_t events) except -1:
        if events & EPOLLOUT and self.blocked:
            self.flush()
        if events & (EPOLLIN | EPOLLHUP | EPOLLERR) and not self.closing and not self.paused:
            self.on_readable()
        elif events & (EPOLLHUP | EPOLLERR) and not self.closing:
            if self.paused == PAUSE_STALL:
                # Gone, but what it sent before still counts: it is parsed when its pause ends.
                self.engine.unwatch(self)
                self.unwatched = True
            else:
                self.close_with(REASON_CLIENT_CLOSED)
        return 0

    cdef int on_readable(self) except -1:
        cdef Engine engine = self.engine
        cdef Chunk* chunk
        cdef ssize_t n
        cdef size_t have = 0
        cdef size_t missing = 0
        cdef iovec parts[2]
        cdef msghdr message
        if engine.chunk.references > 1:
            # Output still refers to the chunk: send it now, then keep what is left as it is and
            # read into a fresh one.
            engine.flush_dirty()
            if engine.chunk.references > 1:
                chunk = chunk_new(READ_CHUNK)
                chunk_release(engine.chunk)
                engine.chunk = chunk
        chunk = engine.chunk
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
            have = self.carry_length
            if have * 2 > chunk.capacity:  # only with an enormous max_control_line
                chunk = chunk_new(have * 4)
                chunk_release(engine.chunk)
                engine.chunk = chunk
            if have:
                memcpy(chunk.data, self.carry, have)
            n = recv(self.fd, chunk.data + have, chunk.capacity - have, MSG_DONTWAIT)
        if n <= 0:
            if n < 0 and (errno == EAGAIN or errno == EINTR):
                return 0
            return self.close_with(REASON_CLIENT_CLOSED if n == 0 else REASON_READ_ERROR)
        self.last_input = engine.now
        if self.assembly != NULL:
            if <size_t>n < missing:
                self.assembly_length += n
                return 0
            self.assembly_length += missing
            n -= missing
            self._parse_assembly()
            if n and not self.closing:
                if self.paused or self.assembly != NULL:
                    # Cannot be parsed yet: keep it behind what already waits.
                    self._keep_more(chunk.data, n)
                else:
                    self.parse_chunk(chunk, n)
            return 0
        return self.parse_chunk(chunk, have + n)

    cdef int parse_chunk(self, Chunk* chunk, size_t length) except -1:
        self.engine.current = chunk
        return self.parse(chunk.data, length)

    cdef int _parse_assembly(self) except -1:
        cdef Chunk* chunk = self.assembly
        cdef size_t length = self.assembly_length
        cdef Chunk* before = self.engine.current
        self.assembly = NULL
        self.assembly_length = 0
        self.engine.current = chunk
        try:
            self.parse(chunk.data, length)
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
        grown = <char*>realloc(self.carry, self.carry_length + length)
        if grown == NULL:
            raise MemoryError()
        memcpy(grown + self.carry_length, data, length)
        self.carry = grown
        self.carry_length += length
        return 0

    cdef int parse(self, char* data, size_t length) except -1:
        """Parses, and keeps what the parser did not take."""
        cdef size_t rest
        cdef Py_ssize_t taken
        cdef char* old = self.carry
        self.carry = NULL  # its bytes are at the front of data
        self.carry_length = 0
        self.wanted = 0
        try:
            taken = self.on_data(data, length)
        finally:
            free(old)
        if self.closing:
            return 0
        rest = length - taken
        if rest == 0:
            return 0
        if self.wanted > ASSEMBLY_MIN and self.wanted > rest and not self.paused:
            self.assembly = chunk_new(self.wanted)
            memcpy(self.assembly.data, data + taken, rest)
            self.assembly_length = rest
        else:
            self.carry = <char*>malloc(rest)
            if self.carry == NULL:
                raise MemoryError()
            memcpy(self.carry, data + taken, rest)
            self.carry_length = rest
        return 0

    cdef Py_ssize_t on_data(self, char* data, size_t length) except -1:
        raise NotImplementedError

    cdef int reparse(self) except -1:
        """Parses what waited while reading was paused."""
        cdef Chunk* chunk
        cdef Chunk* before = self.engine.current  # another parse may be under way
        cdef size_t length = self.carry_length
        if length == 0 or self.closing:
            return 0
        chunk = chunk_new(length)
        memcpy(chunk.data, self.carry, length)
        self.engine.current = chunk
        try:
            self.parse(chunk.data, length)
        finally:
            self.engine.current = before
            chunk_release(chunk)
        return 0

    cdef int pause(self, uint32_t why) except -1:
        self.paused |= why
        return self.set_interest(self.interest & ~<uint32_t>_IN)

    cdef int resume(self, uint32_t why) except -1:
        self.paused &= ~why
        if self.paused or self.closing:
            return 0
        self.reparse()
        if self.paused or self.closing:
            return 0
        return self.set_interest(self.interest | _IN)

    cdef int set_interest(self, uint32_t events) except -1:
        cdef epoll_event event
        if self.unwatched and not self.closed and events & _IN:
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

    cdef char* grow(self, size_t length) except NULL:
        cdef size_t used = self.out_end - self.out_start
        cdef size_t capacity
        cdef char* grown
        cdef uint32_t i
        if self.out == NULL and length <= OUT_BUFFER:
            self.out = self.engine.take_buffer()
            self.out_capacity = OUT_BUFFER
            return self.out
        if self.out_start and self.out_start >= used:
            # More than half is already written: move the rest to the front instead of growing.
            memmove(self.out, self.out + self.out_start, used)
            for i in range(self.extern_start, self.extern_end):
                self.externs[i].at -= self.out_start
            self.out_start = 0
            self.out_end = used
            if self.out_capacity - used >= length:
                return self.out + used
        capacity = self.out_capacity * 2 if self.out_capacity else OUT_BUFFER
        while capacity < self.out_end + length:
            capacity *= 2
        grown = <char*>realloc(self.out, capacity)
        if grown == NULL:
            raise MemoryError()
        self.out = grown
        self.out_capacity = capacity
        return self.out + self.out_end

    cdef int add_extern(self, const char* data, size_t length, Chunk* owner) except -1:
        cdef Extern* piece
        cdef Extern* grown
        cdef uint32_t capacity
        if self.extern_end == self.extern_capacity:
            if self.extern_start > self.extern_end // 2:
                memmove(
                    self.externs, self.externs + self.extern_start,
                    (self.extern_end - self.extern_start) * sizeof(Extern),
                )
                self.extern_end -= self.extern_start
                self.extern_start = 0
            else:
                capacity = self.extern_capacity * 2 if self.extern_capacity else 16
                grown = <Extern*>realloc(self.externs, capacity * sizeof(Extern))
                if grown == NULL:
                    raise MemoryError()
                self.externs = grown
                self.extern_capacity = capacity
        piece = &self.externs[self.extern_end]
        piece.at = self.out_end
        piece.data = data
        piece.length = length
        piece.owner = owner
        owner.references += 1
        self.extern_end += 1
        self.extern_bytes += length
        return 0

    cdef int append(self, const char* data, size_t length) except -1:
        memcpy(self.reserve(length), data, length)
        self.out_end += length
        return 0

    cdef int write(self, const char* data, size_t length) except -1:
        """Queues bytes; they leave at the end of the turn."""
        self.append(data, length)
        return self.touch_output()

    cdef int write_through(self, const char* data, size_t length) except -1:
        """Sends bytes at once, from where they are, when nothing waits before them; queues what
        the kernel does not take."""
        cdef ssize_t n = send(self.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL)
        if n == <ssize_t>length:
            self.written += n
            return 0
        if n > 0:
            self.written += n
            data += n
            length -= n
        self.append(data, length)
        return self.flush()  # a full buffer and every other trouble is told apart there

    def send(self, bytes data not None) -> None:
        """Queues protocol bytes, in order with what is queued already."""
        if not self.closing:
            self.write(data, len(data))

    cdef int flush(self) except -1:
        """Writes until all is out or the kernel's buffer is full."""
        cdef ssize_t n
        if self.closed:
            return 0
        while True:
            if self.pending() == 0:
                self._drained()
                break
            if self.extern_start == self.extern_end:
                n = send(
                    self.fd, self.out + self.out_start, self.out_end - self.out_start,
                    MSG_DONTWAIT | MSG_NOSIGNAL,
                )
                if n > 0:
                    self.out_start += n
            else:
                n = self._send_pieces()
            if n > 0:
                self.written += n
                continue
            if n < 0 and errno == EINTR:
                continue
            if n < 0 and errno == EAGAIN:
                self._block()
                break
            self._discard_output()
            return self.close_with(REASON_WRITE_ERROR)
        if self.backlog_since and self.pending() < BACKLOG_LOW:
            self.engine.release(self)
        return 0

    cdef ssize_t _send_pieces(self) noexcept:
        cdef iovec pieces[IOV_MAX_PIECES]
        cdef msghdr message
        cdef size_t at = self.out_start
        cdef uint32_t i = self.extern_start
        cdef size_t n = 0
        cdef ssize_t sent
        while n < IOV_MAX_PIECES - 1:
            if i == self.extern_end:
                if at < self.out_end:
                    pieces[n].iov_base = self.out + at
                    pieces[n].iov_len = self.out_end - at
                    n += 1
                break
            if at < self.externs[i].at:
                pieces[n].iov_base = self.out + at
                pieces[n].iov_len = self.externs[i].at - at
                at = self.externs[i].at
                n += 1
            pieces[n].iov_base = <void*>self.externs[i].data
            pieces[n].iov_len = self.externs[i].length
            n += 1
            i += 1
        memset(&message, 0, sizeof(message))
        message.msg_iov = pieces
        message.msg_iovlen = n
        sent = sendmsg(self.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent > 0:
            self._consume(sent)
        return sent

    cdef void _consume(self, size_t n) noexcept:
        """Advances over written bytes, buffer and spliced pieces alike."""
        cdef Extern* piece
        cdef size_t part
        while n:
            if self.extern_start < self.extern_end:
                piece = &self.externs[self.extern_start]
                part = piece.at - self.out_start
                if part:
                    part = min(part, n)
                    self.out_start += part
                    n -= part
                    continue
                part = min(piece.length, n)
                piece.data += part
                piece.length -= part
                self.extern_bytes -= part
                n -= part
                if piece.length == 0:
                    chunk_release(piece.owner)
                    self.extern_start += 1
            else:
                self.out_start += n
                n = 0

    cdef int _drained(self) except -1:
        if self.out != NULL:
            if self.out_capacity == OUT_BUFFER:
                self.engine.give_buffer(self.out)
            else:
                free(self.out)
        self.out = NULL
        self.out_capacity = self.out_start = self.out_end = 0
        self.extern_start = self.extern_end = 0
        if self.blocked:
            self.blocked = False
            self.set_interest(self.interest & ~<uint32_t>_OUT)
        return 0

    cdef int _block(self) except -1:
        """The receiver does not keep up: wait for writability, and stop borrowing the chunk that
        is about to be read into, unless much of it is still needed."""
        cdef uint32_t i
        cdef size_t borrowed = 0
        cdef Chunk* shared = self.engine.chunk
        cdef Chunk* own
        cdef Extern* piece
        if not self.blocked:
            self.blocked = True
            self.blocked_since = self.engine.now
            self.deadline_mark = self.written + self.pending()
            self.set_interest(self.interest | _OUT)
        elif self.written >= self.deadline_mark:
            # What was pending at the last mark is out: the deadline starts again for the rest.
            self.blocked_since = self.engine.now
            self.deadline_mark = self.written + self.pending()
        i = self.extern_end
        while i > self.extern_start and self.externs[i - 1].owner == shared:
            i -= 1
            borrowed += self.externs[i].length
        if borrowed and borrowed * 4 < shared.capacity:
            for i in range(i, self.extern_end):
                piece = &self.externs[i]
                own = chunk_new(piece.length)
                memcpy(own.data, piece.data, piece.length)
                piece.data = own.data
                piece.owner = own
                chunk_release(shared)
        return 0

    cdef void _discard_output(self) noexcept:
        cdef uint32_t i
        for i in range(self.extern_start, self.extern_end):
            chunk_release(self.externs[i].owner)
        self.extern_start = self.extern_end = 0
        self.extern_bytes = 0
        self.out_start = self.out_end = 0

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
        self._discard_output()
        self._drained()
        free(self.carry)
        self.carry = NULL
        self.carry_length = 0
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
