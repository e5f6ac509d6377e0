"""Loops that publish and count.

A publisher replays one block of ready-made frames, so a message costs only its share of `send`.
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from pynats_bench.engine.loop cimport EVENTS_MAX, SEND_BYTES, Connection, Loop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, EPOLLOUT, clock_ns, epoll_event
from pynats_bench.engine.scan cimport mix


cdef class PublishLoop(Loop):
    """Publishes `messages` frames on every socket, replaying `block` as often as needed.

    `ends` holds the end offset of every frame in `block`. With `flush` each socket ends with a
    PING, and `last_ns` is the arrival of the last PONG: the server has then seen every message.
    With `stamp` the first eight payload bytes carry publisher << 48 | sequence; `digest` is
    then the sum over everything published. `first_publisher` numbers the first socket.
    """

    cdef uint64_t[::1] ends
    cdef size_t frames
    cdef size_t payload_bytes
    cdef bint flush
    cdef bint stamp
    cdef uint64_t first_publisher
    cdef readonly uint64_t digest
    cdef int open_count

    def __init__(self, list sockets, bytes block, uint64_t[::1] ends, uint64_t messages,
                 size_t payload_bytes, bint flush=True, bint stamp=False,
                 uint64_t first_publisher=0):
        cdef int index
        cdef bytearray copy
        if ends.shape[0] == 0 or ends[ends.shape[0] - 1] != <uint64_t>len(block):
            raise ValueError("ends does not describe block")
        if stamp and payload_bytes < 8:
            raise ValueError("a stamped payload has at least 8 bytes")
        if messages == 0:
            raise ValueError("nothing to publish")
        self.attach(sockets, b"MSG ", 0, EPOLLIN | EPOLLOUT)
        self.ends = ends
        self.frames = ends.shape[0]
        self.payload_bytes = payload_bytes
        self.flush = flush
        self.stamp = stamp
        self.first_publisher = first_publisher
        self.owned.append(block)
        for index in range(self.count):
            self.connections[index].left = messages
            if stamp:
                copy = bytearray(block)
                self.owned.append(copy)
                self.connections[index].block = copy
            else:
                self.connections[index].block = block

    cdef void stamp_pass(self, Connection *connection, int index, size_t frames) noexcept nogil:
        cdef size_t frame
        cdef uint64_t value
        for frame in range(frames):
            value = (self.first_publisher + index) << 48 | connection.sequence
            connection.sequence += 1
            self.digest += mix(value)
            memcpy(connection.block + self.ends[frame] - 2 - self.payload_bytes, &value, 8)

    cdef bint next_pass(self, Connection *connection, int index) noexcept nogil:
        """At a frame boundary: start over on the block, or finish. False when failed."""
        cdef size_t frames = min(connection.left, self.frames)
        if not self.answer_pings(connection):
            return False
        if frames:
            connection.left -= frames
            connection.position = 0
            connection.limit = self.ends[frames - 1]
            if self.stamp:
                self.stamp_pass(connection, index, frames)
            return True
        if self.flush:
            connection.flushing = True
            if self.transmit_all(connection, b"PING\r\n", 6) != 0:
                self.fail(b"send", errno)
                return False
        else:
            connection.finished = True
            self.open_count -= 1
        return self.watch(connection, index, EPOLLIN)

    cdef bint push(self, Connection *connection, int index) noexcept nogil:
        """Send until the socket is full or the task done."""
        cdef ssize_t sent
        cdef size_t size
        while not connection.flushing and not connection.finished:
            if connection.position == connection.limit:
                if not self.next_pass(connection, index):
                    return False
                continue
            size = min(connection.limit - connection.position, <size_t>SEND_BYTES)
            sent = self.transmit(connection, connection.block + connection.position, size)
            if sent < 0:
                if errno == EAGAIN or errno == EINTR:
                    return True
                # The server's reason arrives before the reset: report it instead, if there is one.
                self.consume(connection)
                self.fail(b"send", errno)
                return False
            connection.position += sent
            if <size_t>sent < size or self.count > 1:
                return True
        return True

    cdef bint pull(self, Connection *connection) noexcept nogil:
        if not self.consume(connection):
            return False
        if connection.flushing and not connection.finished:
            if not self.answer_pings(connection):
                return False
            if connection.scanner.pongs:
                connection.finished = True
                self.open_count -= 1
        return True

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index
        self.open_count = self.count
        self.first_ns = clock_ns(CLOCK_MONOTONIC)
        while self.open_count and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                self.fail(b"publishing stalled: the server stopped reading or answering", 0)
                return
            if ready:
                self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            for at in range(ready):
                index = <int>events[at].data.u64
                if events[at].events & EPOLLOUT:
                    if not self.push(&self.connections[index], index):
                        return
                if events[at].events & ~<uint32_t>EPOLLOUT:
                    if not self.pull(&self.connections[index]):
                        return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)


cdef class SubscribeLoop(Loop):
    """Counts deliveries on its sockets until `expected` have arrived in all.

    Then it flushes every socket with PING/PONG (unless `flush` is off), so that a surplus
    delivery is counted too, and checks the totals. `verb` is what is counted: b"MSG ", b"HMSG",
    or b"PUB " behind a relay. `publishers` > 0 verifies stamps, `stamp_at` bytes into the
    payload (the length of the header block).
    """

    cdef uint64_t expected
    cdef bint flush

    def __init__(self, list sockets, uint64_t expected, bytes verb=b"MSG ", bint flush=True,
                 uint32_t publishers=0, size_t stamp_at=0):
        cdef int index
        self.attach(sockets, verb, publishers, EPOLLIN)
        for index in range(self.count):
            self.connections[index].scanner.stamp_at = stamp_at
        self.expected = expected
        self.flush = flush

    cdef bint finish(self) noexcept nogil:
        """Flushes all sockets; only PONGs may still arrive."""
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index, waiting = self.count
        for index in range(self.count):
            if self.transmit_all(&self.connections[index], b"PING\r\n", 6) != 0:
                self.fail(b"send", errno)
                return False
        while waiting and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                self.fail(b"no PONG after the last delivery", 0)
                return False
            for at in range(ready):
                index = <int>events[at].data.u64
                if not self.consume(&self.connections[index]):
                    return False
            waiting = 0
            for index in range(self.count):
                if self.connections[index].scanner.pongs == 0:
                    waiting += 1
        return True

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef Connection *connection
        cdef uint64_t before, total = 0
        cdef int ready, at
        while total < self.expected and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                snprintf(self.error, sizeof(self.error),
                         b"received %llu of %llu messages, then nothing more",
                         <unsigned long long>total, <unsigned long long>self.expected)
                self.failed = True
                return
            if ready:
                self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            for at in range(ready):
                connection = &self.connections[<int>events[at].data.u64]
                before = connection.scanner.messages
                if not self.consume(connection):
                    return
                total += connection.scanner.messages - before
                if not self.answer_pings(connection):
                    return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
        if self.flush and not self.failed:
            self.finish()

    @property
    def counts(self):
        """Messages per socket."""
        return [self.connections[index].scanner.messages for index in range(self.count)]

    @property
    def payload_bytes(self):
        """Payload bytes over all sockets, header blocks included."""
        return sum([self.connections[i].scanner.payload_bytes for i in range(self.count)])

    @property
    def digests(self):
        """Per socket, the sum over the stamps received (modulo 2**64)."""
        return [self.connections[index].scanner.digest for index in range(self.count)]

    @property
    def disorder(self):
        """Messages that arrived after a later one of the same publisher."""
        return sum([self.connections[i].scanner.disorder for i in range(self.count)])
