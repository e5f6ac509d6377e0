"""The load engine: epoll loops that publish, count, request and answer without the GIL.

Theory of operation. The sockets arrive connected and past the handshake (`session.py`), blocking
work is over, and each loop object owns its sockets' traffic until `run` returns. One loop is one
thread: run each in a Python thread, `run` releases the GIL for its whole duration. Loops share no
state. Times are CLOCK_MONOTONIC nanoseconds, so that one loop's `first_ns` and another's `last_ns`
can be subtracted; `cpu_ns` is the CPU time of the loop's own thread.

A publisher replays one block of ready-made frames, so a message costs only its share of `send`.
A loop that makes no progress for `stall_s` gives up and says what it was waiting for.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc
from libc.string cimport memcpy, strerror
from posix.unistd cimport close

from pynats_bench._net cimport (
    CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD,
    EPOLLIN, EPOLLOUT, MSG_NOSIGNAL, clock_ns, epoll_create1, epoll_ctl,
    epoll_event, epoll_wait, recv, send, send_all,
)
from pynats_bench._scan cimport Message, Scanner, mix, parse_message, scan, scan_line
from pynats_bench._secure cimport (
    Secure, secure_free, secure_receive, secure_send, secure_send_all,
)
from pynats_server.core.sockets.layer cimport LAYER_OVERHEAD, LAYER_RECORD, Layer

from pynats_bench.model import LoadError
from pynats_bench.secure import SecureSocket

cdef enum:
    EVENTS_MAX = 256         # sockets served per epoll_wait
    TICK_MS = 50             # how often an idle loop looks at `stop` and the stall clock


cdef class Loop:
    """Base of the loops: sockets, an epoll set, clocks, receive buffer, failure."""

    def __cinit__(self, *args, **kwargs):
        self.epoll = -1
        self.buffer = <char *>PyMem_Calloc(1, RECEIVE_BYTES + STASH_BYTES)
        if self.buffer == NULL:
            raise MemoryError
        self.owned = []

    def __dealloc__(self):
        cdef int index
        for index in range(self.count):
            PyMem_Free(self.connections[index].stash)
            PyMem_Free(self.connections[index].scanner.next_sequence)
            secure_free(self.connections[index].secure)
        PyMem_Free(self.connections)
        PyMem_Free(self.buffer)
        PyMem_Free(self.sealed)
        if self.epoll >= 0:
            close(self.epoll)

    cdef int attach(self, object sockets, bytes verb, uint32_t publishers, uint32_t events) except -1:
        """Registers the sockets, makes them non-blocking, and gives each a scanner for `verb`."""
        cdef epoll_event event
        cdef Connection *connection
        cdef int index
        if not sockets:
            raise ValueError("no sockets")
        if len(verb) != 4:
            raise ValueError("verb must be four bytes")
        self.connections = <Connection *>PyMem_Calloc(len(sockets), sizeof(Connection))
        if self.connections == NULL:
            raise MemoryError
        self.epoll = epoll_create1(EPOLL_CLOEXEC)
        if self.epoll < 0:
            raise OSError(errno, "epoll_create1")
        for index, socket in enumerate(sockets):
            socket.setblocking(False)
            connection = &self.connections[index]
            self.count = index + 1
            connection.fd = socket.fileno()
            if isinstance(socket, SecureSocket):
                self.secure(connection, socket.layer)
            connection.stash = <char *>PyMem_Calloc(1, STASH_BYTES)
            if connection.stash == NULL:
                raise MemoryError
            memcpy(&connection.scanner.verb, <const char *>verb, 4)
            connection.scanner.publishers = publishers
            if publishers:
                connection.scanner.next_sequence = <uint64_t *>PyMem_Calloc(
                    publishers, sizeof(uint64_t))
                if connection.scanner.next_sequence == NULL:
                    raise MemoryError
            event.events = events
            event.data.u64 = index
            if epoll_ctl(self.epoll, EPOLL_CTL_ADD, connection.fd, &event) != 0:
                raise OSError(errno, "epoll_ctl")
            self.owned.append(socket)
        return 0

    cdef int secure(self, Connection *connection, Layer layer) except -1:
        """From now on the connection's bytes go through a TLS session, which its socket owns."""
        if self.sealed == NULL:
            self.sealed = <char *>PyMem_Calloc(1, RECEIVE_BYTES)
            if self.sealed == NULL:
                raise MemoryError
        connection.secure = <Secure *>calloc(1, sizeof(Secure))
        if connection.secure == NULL:
            raise MemoryError
        connection.secure.calls = layer.calls
        connection.secure.state = layer.state
        return 0

    cdef void fail(self, const char *what, int code) noexcept nogil:
        if not self.failed:
            self.failed = True
            if code:
                snprintf(self.error, sizeof(self.error), b"%s: %s", what, strerror(code))
            else:
                snprintf(self.error, sizeof(self.error), b"%s", what)

    cdef bint watch(self, Connection *connection, int index, uint32_t events) noexcept nogil:
        cdef epoll_event event
        event.events = events
        event.data.u64 = index
        if epoll_ctl(self.epoll, EPOLL_CTL_MOD, connection.fd, &event) != 0:
            self.fail(b"epoll_ctl", errno)
            return False
        return True

    cdef ssize_t receive(self, Connection *connection) noexcept nogil:
        """One recv after the stashed rest. Returns bytes ready in `buffer`, 0 for none, -1 for
        failure."""
        cdef ssize_t got
        memcpy(self.buffer, connection.stash, connection.stash_len)
        if connection.secure != NULL:
            # What is left of a record comes out with the next bytes.
            got = secure_receive(
                connection.secure, connection.fd, self.sealed,
                RECEIVE_BYTES - LAYER_RECORD - LAYER_OVERHEAD,
                self.buffer + connection.stash_len, RECEIVE_BYTES)
            if got >= 0:
                return got + connection.stash_len if got else 0
            self.fail(b"recv" if errno else b"the server closed the connection", errno)
            return -1
        got = recv(connection.fd, self.buffer + connection.stash_len, RECEIVE_BYTES, 0)
        if got > 0:
            return got + connection.stash_len
        if got == 0:
            self.fail(b"the server closed the connection", 0)
            return -1
        if errno == EAGAIN or errno == EINTR:
            return 0
        self.fail(b"recv", errno)
        return -1

    cdef ssize_t transmit(self, Connection *connection, const char *data, size_t size) noexcept nogil:
        """One send: how much of it is on its way, or -1 with errno."""
        if connection.secure != NULL:
            return secure_send(connection.secure, connection.fd, data, size)
        return send(connection.fd, data, size, MSG_NOSIGNAL)

    cdef int transmit_all(self, Connection *connection, const char *data, size_t size) noexcept nogil:
        """`send_all`."""
        if connection.secure != NULL:
            return secure_send_all(connection.secure, connection.fd, data, size)
        return send_all(connection.fd, data, size)

    cdef void keep(self, Connection *connection, size_t used, size_t size) noexcept nogil:
        if size - used > STASH_BYTES:
            self.fail(b"control line too long", 0)
            return
        connection.stash_len = size - used
        memcpy(connection.stash, self.buffer + used, connection.stash_len)

    cdef bint consume(self, Connection *connection) noexcept nogil:
        """Receive once and scan; answer PINGs unless a frame may be half sent."""
        cdef ssize_t size = self.receive(connection)
        cdef size_t used
        if size <= 0:
            return size == 0
        used = scan(&connection.scanner, self.buffer, size)
        if connection.scanner.failed:
            self.fail(connection.scanner.error, 0)
            return False
        self.keep(connection, used, size)
        return not self.failed

    cdef bint answer_pings(self, Connection *connection) noexcept nogil:
        while connection.pongs_sent != connection.scanner.pings:
            connection.pongs_sent += 1
            if self.transmit_all(connection, b"PONG\r\n", 6) != 0:
                self.fail(b"send", errno)
                return False
        return True

    cdef int wait(self, epoll_event *events) noexcept nogil:
        """Wait for sockets; fails the loop when nothing has moved for the stall time."""
        cdef int ready = epoll_wait(self.epoll, events, EVENTS_MAX, TICK_MS)
        if ready < 0 and errno != EINTR:
            self.fail(b"epoll_wait", errno)
            return -1
        if ready <= 0 and clock_ns(CLOCK_MONOTONIC) - self.progress_ns > self.stall_ns:
            return -1
        return ready if ready > 0 else 0

    cdef void work(self) noexcept nogil:
        """The loop's task; overridden."""
        self.fail(b"no task", 0)

    def run(self, double stall_s=10.0):
        """Runs the task to its end. LoadError if it fails or makes no progress for `stall_s`."""
        cdef int64_t cpu
        self.stall_ns = <int64_t>(stall_s * 1e9)
        with nogil:
            cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID)
            self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            self.work()
            self.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu
        if self.failed:
            raise LoadError(self.error.decode("utf-8", "replace"))

    def stop(self):
        """Ends the loop at its next check; any thread may call it."""
        self.stopping = True


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


cdef class RequestLoop(Loop):
    """Keeps one request in flight on every socket until `messages` have been answered.

    `requests` holds one ready-made PUB frame per socket. `quantile_ns` reads the round-trip times.
    """

    cdef uint64_t messages
    cdef LatencyCounts latency
    cdef readonly uint64_t answered

    def __init__(self, list sockets, list requests, uint64_t messages):
        cdef int index
        cdef bytes request
        if len(requests) != len(sockets):
            raise ValueError("one request per socket")
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.owned.append(requests)
        self.messages = messages
        for index in range(self.count):
            request = requests[index]
            self.connections[index].request = request
            self.connections[index].request_len = len(request)

    cdef bint ask(self, Connection *connection) noexcept nogil:
        connection.sent_ns = clock_ns(CLOCK_MONOTONIC)
        if self.transmit_all(connection, connection.request, connection.request_len) != 0:
            self.fail(b"send", errno)
            return False
        return True

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef Connection *connection
        cdef uint64_t asked = 0
        cdef int ready, at, index
        cdef int64_t now
        self.first_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            if asked < self.messages:
                asked += 1
                if not self.ask(&self.connections[index]):
                    return
        while self.answered < self.messages and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                self.fail(b"a request was not answered", 0)
                return
            for at in range(ready):
                connection = &self.connections[<int>events[at].data.u64]
                if not self.consume(connection) or not self.answer_pings(connection):
                    return
                if connection.scanner.messages == connection.answered:
                    continue
                if connection.scanner.messages != connection.answered + 1:
                    self.fail(b"a request was answered twice", 0)
                    return
                now = clock_ns(CLOCK_MONOTONIC)
                self.progress_ns = now
                count_latency(&self.latency, now - connection.sent_ns)
                connection.answered += 1
                self.answered += 1
                if asked < self.messages:
                    asked += 1
                    if not self.ask(connection):
                        return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)

    def quantile_ns(self, double fraction):
        """Round-trip time that `fraction` of the requests did not exceed (upper bucket edge)."""
        return latency_quantile(&self.latency, fraction)


cdef class RespondLoop(Loop):
    """Answers every message that has a reply subject with `payload`, until stopped.

    A request must fit the stash (control line and payload, 20 KiB): `model` refuses larger ones.
    """

    cdef bytes tail
    cdef char *out
    cdef size_t out_size
    cdef readonly uint64_t answered

    def __cinit__(self, *args, **kwargs):
        self.out = NULL

    def __init__(self, list sockets, bytes payload):
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.tail = b" %d\r\n%s\r\n" % (len(payload), payload)
        self.out_size = RECEIVE_BYTES + len(self.tail)
        self.out = <char *>PyMem_Calloc(1, self.out_size)
        if self.out == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.out)

    cdef bint answer(self, Connection *connection, const char *tail, size_t tail_len) noexcept nogil:
        """Receive once, answer all complete requests with one send."""
        cdef ssize_t size = self.receive(connection)
        cdef size_t used = 0, filled = 0, need, line
        cdef Message message
        cdef const char *at
        cdef int state
        if size <= 0:
            return size == 0
        while used < <size_t>size:
            at = self.buffer + used
            if size - used >= 4 and (at[0] == 77 or at[0] == 72):  # MSG, HMSG
                state = parse_message(at, size - used, &message)
                if state < 0:
                    self.fail(b"malformed request", 0)
                    return False
                if state == 0 or size - used < message.head_len + message.size + 2:
                    break
                used += message.head_len + message.size + 2
                if message.reply == NULL:
                    continue
                need = 4 + message.reply_len + tail_len
                if filled + need > self.out_size:
                    if self.transmit_all(connection, self.out, filled) != 0:
                        self.fail(b"send", errno)
                        return False
                    filled = 0
                memcpy(self.out + filled, b"PUB ", 4)
                memcpy(self.out + filled + 4, message.reply, message.reply_len)
                memcpy(self.out + filled + 4 + message.reply_len, tail, tail_len)
                filled += need
                self.answered += 1
            else:
                line = scan_line(&connection.scanner, at, size - used)
                if connection.scanner.failed:
                    self.fail(connection.scanner.error, 0)
                    return False
                if line == 0:
                    break
                used += line
        if filled and self.transmit_all(connection, self.out, filled) != 0:
            self.fail(b"send", errno)
            return False
        self.keep(connection, used, size)
        return not self.failed and self.answer_pings(connection)

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at
        cdef const char *tail
        cdef size_t tail_len
        with gil:
            tail = self.tail
            tail_len = len(self.tail)
        while not self.failed and not self.stopping:
            self.progress_ns = clock_ns(CLOCK_MONOTONIC)  # idle time is not a failure here
            ready = self.wait(events)
            for at in range(ready):
                if not self.answer(&self.connections[<int>events[at].data.u64], tail, tail_len):
                    return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
