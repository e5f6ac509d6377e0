"""Loops that publish and count.

A publisher replays one block of ready-made frames, so a message costs only its share of `send`.
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from pynats_bench.engine.histogram cimport record
from pynats_bench.engine.loop cimport EVENTS_MAX, SEND_BYTES, Connection, Loop
from pynats_bench.engine.net cimport (
    CLOCK_MONOTONIC, CLOCK_REALTIME, EPOLLIN, EPOLLOUT, clock_ns, epoll_event,
)
from pynats_bench.engine.scan cimport Scanner, mix


cdef class PublishLoop(Loop):
    """Publishes `messages` frames on every socket, replaying `block` as often as needed.

    `ends` holds the end offset of every frame in `block`. With `flush` each socket ends with a
    PING, and `last_ns` is the arrival of the last PONG: the server has then seen every message.
    With `stamp` the first eight payload bytes carry publisher << 48 | sequence; `digest` is
    then the sum over everything published. `first_publisher` numbers the first socket.

    A pass is what is made ready at a time: the block, or what the pace lets through of it. The time
    of an operation is its share of the pass: from when that was begun until all of it was handed
    over. `messages` 0: until stopped; `want` gives each socket its own number.
    """

    def __init__(self, list sockets, bytes block, uint64_t[::1] ends, uint64_t messages,
                 size_t payload_bytes, bint flush=True, bint stamp=False,
                 uint64_t first_publisher=0):
        cdef int index
        cdef bytearray copy
        if ends.shape[0] == 0 or ends[ends.shape[0] - 1] != <uint64_t>len(block):
            raise ValueError("ends does not describe block")
        if stamp and payload_bytes < 8:
            raise ValueError("a stamped payload has at least 8 bytes")
        self.attach(sockets, b"MSG ", 0, EPOLLIN | EPOLLOUT)
        self.ends = ends
        self.frames = ends.shape[0]
        self.payload_bytes = payload_bytes
        self.flush = flush
        self.stamp = stamp
        self.first_publisher = first_publisher
        self.owned.append(block)
        for index in range(self.count):
            self.connections[index].wanted = messages
            if stamp:
                copy = bytearray(block)
                self.owned.append(copy)
                self.connections[index].block = copy
            else:
                self.connections[index].block = block

    cdef void mark_pass(self, Connection *connection, int index, size_t frames) noexcept nogil:
        """Writes into the first `frames` of the block what differs from pass to pass."""
        cdef size_t frame
        cdef uint64_t value
        if not self.stamp:
            return
        for frame in range(frames):
            value = (self.first_publisher + index) << 48 | connection.sequence
            connection.sequence += 1
            self.digest += mix(value)
            memcpy(connection.block + self.ends[frame] - 2 - self.payload_bytes, &value, 8)

    cdef void end_pass(self, Connection *connection) noexcept nogil:
        """Counts what of the pass has been handed over: all of it, but at the end of the run."""
        cdef size_t frames = connection.pass_frames, done = frames
        cdef int64_t now
        if frames == 0:
            return
        connection.pass_frames = 0
        if connection.position < connection.limit:
            done = 0
            while self.ends[done] <= connection.position:
                done += 1
        if done == 0:
            return
        now = clock_ns(CLOCK_MONOTONIC)
        if connection.operations != NULL:
            record(connection.operations, <uint64_t>(now - connection.sent_ns) // done, done)
        connection.messages += done
        connection.payload_bytes += done * self.payload_bytes
        connection.last_ns = now

    cdef bint next_pass(self, Connection *connection, int index) noexcept nogil:
        """At a frame boundary: start over on the block, wait, or finish. False when failed."""
        cdef uint64_t frames = min(connection.left, <uint64_t>self.frames)
        cdef int64_t now
        self.end_pass(connection)
        if not self.answer_pings(connection):
            return False
        if frames:
            now = clock_ns(CLOCK_MONOTONIC)
            if self.paced:
                frames = min(frames, self.allowance(connection, now))
                if frames == 0:
                    # What is sealed of the pass before would wait as long.
                    if connection.secure != NULL and self.transmit_all(connection, NULL, 0) != 0:
                        self.unsent(connection)
                        return False
                    connection.waiting = True
                    return self.arm(connection, index, False)
                self.began(connection, now, frames)
            if connection.first_ns == 0:
                connection.first_ns = now
            connection.sent_ns = now
            connection.left -= frames
            connection.pass_frames = frames
            connection.position = 0
            connection.limit = self.ends[frames - 1]
            self.mark_pass(connection, index, frames)
            return True
        if self.flush:
            connection.flushing = True
            if self.transmit_all(connection, b"PING\r\n", 6) != 0:
                self.unsent(connection)
                return False
        else:
            connection.finished = True
            self.open_count -= 1
        return self.arm(connection, index, False)

    cdef bint arm(self, Connection *connection, int index, bint armed) noexcept nogil:
        """Whether the socket's room is waited for."""
        if connection.armed == armed:
            return True
        connection.armed = armed
        return self.watch(connection, index, EPOLLIN | (EPOLLOUT if armed else 0))

    cdef bint push(self, Connection *connection, int index) noexcept nogil:
        """Send until the socket is full, the task done or its time not come."""
        cdef ssize_t sent
        cdef size_t size
        while not connection.flushing and not connection.finished and not connection.waiting:
            if connection.position == connection.limit:
                if not self.next_pass(connection, index):
                    return False
                continue
            size = min(connection.limit - connection.position, <size_t>SEND_BYTES)
            sent = self.transmit(connection, connection.block + connection.position, size)
            if sent < 0:
                if errno == EAGAIN:
                    return self.arm(connection, index, True)
                if errno == EINTR:
                    continue
                self.unsent(connection)
                return False
            connection.position += sent
            if connection.armed and (<size_t>sent < size or self.count > 1):
                return True
        return True

    cdef bint turn(self, Connection *connection, int index) noexcept nogil:
        return self.push(connection, index)

    cdef bint pull(self, Connection *connection) noexcept nogil:
        if not self.consume(connection):
            return False
        # Nothing may come between the halves of a frame.
        if connection.position == connection.limit and not self.answer_pings(connection):
            return False
        if connection.flushing and not connection.finished:
            if connection.scanner.pongs:
                connection.finished = True
                connection.last_ns = clock_ns(CLOCK_MONOTONIC)
                self.open_count -= 1
        return True

    cdef void work(self) noexcept nogil:
        cdef int index
        self.open_count = self.count
        self.first_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            self.connections[index].left = self.connections[index].wanted or <uint64_t>-1
            self.connections[index].armed = True
            if self.paced:
                self.connections[index].waiting = True
                if not self.arm(&self.connections[index], index, False):
                    return
        self.publish()
        for index in range(self.count):
            self.end_pass(&self.connections[index])
        self.last_ns = clock_ns(CLOCK_MONOTONIC)

    cdef void publish(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index
        while self.open_count and not self.failed and not self.stopping:
            if not self.take_turns():
                return
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


cdef class SubscribeLoop(Loop):
    """Counts deliveries on its sockets until `expected` have arrived in all (0: until stopped).

    Then it flushes every socket with PING/PONG (unless `flush` is off), so that a surplus
    delivery is counted too, and checks the totals. A socket with a share of its own (`want`) is
    counted for up to that and no further: then it unsubscribes, and what still comes is dropped.
    The clock of each begins with the receive that brings the first. `verb` is what is counted: b"MSG ", b"HMSG",
    or b"PUB " behind a relay. `publishers` > 0 verifies stamps, `stamp_at` bytes into the
    payload (the length of the header block). `careful` counts MSG and HMSG of anybody; with
    `deliveries` measured, the age of the newest message of a receive, if it is stamped and was
    published during the run, is counted for all that came with it.
    """

    cdef uint64_t expected
    cdef bint flush
    cdef uint64_t received
    cdef int64_t began_ns           # CLOCK_REALTIME
    cdef readonly uint64_t skewed   # receives whose stamp lay in the future

    def __init__(self, list sockets, uint64_t expected, bytes verb=b"MSG ", bint flush=True,
                 uint32_t publishers=0, size_t stamp_at=0, bint careful=False):
        cdef int index
        self.attach(sockets, verb, publishers, EPOLLIN)
        for index in range(self.count):
            self.connections[index].scanner.careful = careful
            self.connections[index].scanner.stamp_at = stamp_at
        self.expected = expected
        self.flush = flush

    cdef bint finish(self) noexcept nogil:
        """Flushes all sockets; only PONGs may still arrive."""
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index, waiting = self.count
        for index in range(self.count):
            self.connections[index].scanner.pongs = 0
            if self.transmit_all(&self.connections[index], b"PING\r\n", 6) != 0:
                self.unsent(&self.connections[index])
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

    cdef bint take(self, Connection *connection) noexcept nogil:
        """Receive once."""
        cdef int64_t began = 0
        cdef uint64_t received = connection.scanner.messages
        if connection.first_ns == 0:
            began = clock_ns(CLOCK_MONOTONIC)
        if not self.consume(connection):
            return False
        received = connection.scanner.messages - received
        if received and not connection.finished:
            if connection.first_ns == 0:
                connection.first_ns = began
            self.received += received
            self.count_received(connection, received)
            if connection.messages == connection.wanted and not self.leave(connection):
                return False
        return self.answer_pings(connection)

    cdef bint leave(self, Connection *connection) noexcept nogil:
        """It has its share. What has come already is looked at once more, without a limit."""
        connection.finished = True
        connection.scanner.limit = 0
        if self.transmit_all(connection, b"UNSUB 1\r\n", 9) != 0:
            self.unsent(connection)
            return False
        connection.handed = connection.stash_len > 0
        return not connection.handed or self.consume(connection)

    cdef void count_received(self, Connection *connection, uint64_t received) noexcept nogil:
        """So many messages came with one receive."""
        cdef Scanner *scanner = &connection.scanner
        cdef int64_t now, stamp
        connection.last_ns = clock_ns(CLOCK_MONOTONIC)
        connection.messages = scanner.messages
        connection.payload_bytes = scanner.payload_bytes - scanner.header_bytes
        if connection.deliveries != NULL and scanner.stamp:
            stamp = <int64_t>scanner.stamp
            now = clock_ns(CLOCK_REALTIME)
            if stamp > now:
                self.skewed += 1
            elif stamp >= self.began_ns:
                record(connection.deliveries, now - stamp, received)
        scanner.stamp = 0

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index
        self.began_ns = clock_ns(CLOCK_REALTIME)
        for index in range(self.count):
            self.connections[index].scanner.limit = self.connections[index].wanted
        for index in range(self.count):
            if self.connections[index].handed and not self.take(&self.connections[index]):
                return
        while (self.received < self.expected or self.expected == 0) and not (
            self.failed or self.stopping
        ):
            ready = self.wait(events)
            if ready < 0:
                snprintf(self.error, sizeof(self.error),
                         b"received %llu of %llu messages, then nothing more",
                         <unsigned long long>self.received, <unsigned long long>self.expected)
                self.failed = True
                return
            if ready:
                self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            for at in range(ready):
                if not self.take(&self.connections[<int>events[at].data.u64]):
                    return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
        if self.flush and not self.failed and not self.stopping:
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
