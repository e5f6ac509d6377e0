"""What all epoll loops of the load engine share: they run without the GIL.

Theory of operation. The sockets arrive connected and past the handshake (`session.py`), blocking
work is over, and each loop object owns its sockets' traffic until `run` returns. One loop is one
thread: run each in a Python thread, `run` releases the GIL for its whole duration. Loops share no
state. Times are CLOCK_MONOTONIC nanoseconds, so that one loop's `first_ns` and another's `last_ns`
can be subtracted; `cpu_ns` is the CPU time of the loop's own thread.

A loop that makes no progress for `stall_s` gives up and says what it was waiting for; with 0 it
waits for ever.

What each connection has done (`messages`, `payload_bytes`, `first_ns`, `last_ns`) is written by the
loop and read by other threads without a lock: aligned words, each of which is whole at any time.

Pacing is the same for all: a connection may begin an operation at `ready_ns`. `rate` has a schedule
(`due_ns`) that lateness does not shift: what is missing is made up for, a millisecond's worth at a
time and at most at twice the rate. `sleep_ns` counts from the beginning of the operation before.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport EAGAIN, ECONNRESET, EINTR, EPIPE, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, strerror
from posix.unistd cimport close

from pynats_bench.engine.histogram cimport Counts, add, new_counts, quantile, snapshot
from pynats_bench.engine.net cimport (
    CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID, ECANCELED, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD,
    MSG_NOSIGNAL, PR_SET_TIMERSLACK, TICK_MS, clock_ns, epoll_create1, epoll_ctl, epoll_event,
    epoll_wait, poll_ns, prctl, recv, send, send_all,
)
from pynats_bench.engine.scan cimport scan
from pynats_bench.engine.secure cimport (
    Secure, secure_free, secure_receive, secure_send, secure_send_all,
)
from pynats_server.core.sockets.layer cimport LAYER_OVERHEAD, LAYER_RECORD, Layer

from pynats_bench.model import LoadError
from pynats_bench.secure import SecureSocket

cdef enum:
    BURST_NS = 1000000        # what is made up for at a time
    DEBT_NS = 1000000000      # what is made up for at all
    LONGEST_NS = 1000000000000000000   # a sleep of 31 years is as good as any longer one
    TIMER_SLACK_NS = 1000     # the kernel's own is 50 us: too much for pacing


cdef class Loop:
    """Base of the loops: sockets, an epoll set, clocks, receive buffer, failure."""

    def __cinit__(self, *args, **kwargs):
        self.epoll = -1
        self.failed_at = -1
        self.buffer_size = RECEIVE_BYTES + STASH_BYTES
        self.buffer = <char *>calloc(1, self.buffer_size)
        if self.buffer == NULL:
            raise MemoryError
        self.owned = []

    def __dealloc__(self):
        cdef int index
        for index in range(self.count):
            free(self.connections[index].stash)
            free(self.connections[index].operations)
            free(self.connections[index].deliveries)
            PyMem_Free(self.connections[index].scanner.next_sequence)
            secure_free(self.connections[index].secure)
        PyMem_Free(self.connections)
        free(self.buffer)
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
            connection.stash = <char *>calloc(1, STASH_BYTES)
            if connection.stash == NULL:
                raise MemoryError
            connection.stash_size = STASH_BYTES
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
        if self.failed or (code == ECANCELED and self.stopping):
            return
        self.failed = True
        if code == EPIPE or code == ECONNRESET:
            what = b"the server closed the connection"
            code = 0
        if code:
            snprintf(self.error, sizeof(self.error), b"%s: %s", what, strerror(code))
        else:
            snprintf(self.error, sizeof(self.error), b"%s", what)

    cdef void fail_at(self, Connection *connection, const char *what, int code) noexcept nogil:
        if not self.failed:
            self.failed_at = <int>(connection - self.connections)
        self.fail(what, code)

    cdef void unsent(self, Connection *connection) noexcept nogil:
        cdef int code = errno
        if code != ECANCELED:
            # The server's reason arrives before the reset: report it instead, if there is one.
            self.consume(connection)
        self.fail_at(connection, b"send", code)

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
        if connection.handed:
            connection.handed = False
            return connection.stash_len
        if connection.secure != NULL:
            # What is left of a record comes out with the next bytes.
            got = secure_receive(
                connection.secure, connection.fd, self.sealed,
                RECEIVE_BYTES - LAYER_RECORD - LAYER_OVERHEAD,
                self.buffer + connection.stash_len, RECEIVE_BYTES)
            if got >= 0:
                return got + connection.stash_len if got else 0
            self.fail_at(
                connection, b"recv" if errno else b"the server closed the connection", errno)
            return -1
        got = recv(connection.fd, self.buffer + connection.stash_len, RECEIVE_BYTES, 0)
        if got > 0:
            return got + connection.stash_len
        if got == 0:
            self.fail_at(connection, b"the server closed the connection", 0)
            return -1
        if errno == EAGAIN or errno == EINTR:
            return 0
        self.fail_at(connection, b"recv", errno)
        return -1

    cdef ssize_t transmit(self, Connection *connection, const char *data, size_t size) noexcept nogil:
        """One send: how much of it is on its way, or -1 with errno."""
        if connection.secure != NULL:
            return secure_send(connection.secure, connection.fd, data, size)
        return send(connection.fd, data, size, MSG_NOSIGNAL)

    cdef int transmit_all(self, Connection *connection, const char *data, size_t size) noexcept nogil:
        """`send_all`."""
        if connection.secure != NULL:
            return secure_send_all(
                connection.secure, connection.fd, data, size, &self.stopping, self.stall_ns)
        return send_all(connection.fd, data, size, &self.stopping, self.stall_ns)

    cdef bint make_room(self, Connection *connection, size_t rest) noexcept nogil:
        """For so much in the stash, and for a recv behind it in the buffer."""
        cdef size_t room
        cdef char *larger
        if rest > STASH_MAX:
            self.fail_at(connection, b"a message is larger than any server takes", 0)
            return False
        if rest > connection.stash_size:
            room = min(2 * rest, <size_t>STASH_MAX)
            larger = <char *>realloc(connection.stash, room)
            if larger == NULL:
                self.fail(b"out of memory", 0)
                return False
            connection.stash = larger
            connection.stash_size = room
        room = connection.stash_size + RECEIVE_BYTES
        if room > self.buffer_size:
            larger = <char *>realloc(self.buffer, room)
            if larger == NULL:
                self.fail(b"out of memory", 0)
                return False
            self.buffer = larger
            self.buffer_size = room
        return True

    cdef void keep(self, Connection *connection, size_t used, size_t size) noexcept nogil:
        """Puts what was not used of the buffer where the next recv finds it."""
        cdef size_t rest = size - used
        if rest > connection.stash_size and not self.make_room(connection, rest):
            return
        connection.stash_len = rest
        memcpy(connection.stash, self.buffer + used, rest)

    cdef bint consume(self, Connection *connection) noexcept nogil:
        """Receive once and scan; answer PINGs unless a frame may be half sent."""
        cdef ssize_t size = self.receive(connection)
        cdef size_t used
        if size <= 0:
            return size == 0
        used = scan(&connection.scanner, self.buffer, size)
        if connection.scanner.failed:
            self.fail_at(connection, connection.scanner.error, 0)
            return False
        self.keep(connection, used, size)
        return not self.failed

    cdef bint answer_pings(self, Connection *connection) noexcept nogil:
        while connection.pongs_sent != connection.scanner.pings:
            connection.pongs_sent += 1
            if self.transmit_all(connection, b"PONG\r\n", 6) != 0:
                self.unsent(connection)
                return False
        return True

    cdef uint64_t allowance(self, Connection *connection, int64_t now) noexcept nogil:
        if not self.paced:
            return <uint64_t>-1
        if now < connection.ready_ns:
            return 0
        if self.interval_ns == 0 or self.sleep_ns:
            return 1
        if connection.due_ns < now - DEBT_NS:   # also with the first operation
            connection.due_ns = now if connection.due_ns == 0 else now - DEBT_NS
        return min(1 + <uint64_t>max(0., (now - connection.due_ns) / self.interval_ns), self.burst)

    cdef void began(self, Connection *connection, int64_t now, uint64_t messages) noexcept nogil:
        cdef double took
        if not self.paced:
            return
        connection.ready_ns = now + self.sleep_ns
        if self.interval_ns:
            took = messages * self.interval_ns
            if connection.due_ns == 0:
                connection.due_ns = now
            connection.due_ns += took
            connection.ready_ns = max(
                connection.ready_ns, <int64_t>max(connection.due_ns, now + took / 2))

    cdef bint turn(self, Connection *connection, int index) noexcept nogil:
        return True

    cdef bint take_turns(self) noexcept nogil:
        cdef int64_t now
        cdef int index
        if not self.paced:
            return True
        now = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            if self.connections[index].waiting and self.connections[index].ready_ns <= now:
                self.connections[index].waiting = False
                if not self.turn(&self.connections[index], index):
                    return False
        return True

    cdef int64_t until_turn(self) noexcept nogil:
        """Nanoseconds until the first of those who wait may go on, at most a tick."""
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC), first = now + TICK_MS * 1000000
        cdef int index
        for index in range(self.count):
            if self.connections[index].waiting:
                self.progress_ns = now   # who waits for its turn is not stalled
                first = min(first, self.connections[index].ready_ns)
        return max(first - now, <int64_t>0)

    cdef int wait(self, epoll_event *events) noexcept nogil:
        """Wait for sockets and turns; fails the loop when nothing has moved for the stall time."""
        cdef int ready
        cdef int64_t wait_ns
        if self.paced:   # epoll_wait knows no less than a millisecond
            wait_ns = self.until_turn()
            if wait_ns:
                poll_ns(self.epoll, wait_ns)
        ready = epoll_wait(self.epoll, events, EVENTS_MAX, 0 if self.paced else TICK_MS)
        if ready < 0 and errno != EINTR:
            self.fail(b"epoll_wait", errno)
            return -1
        if (ready <= 0 and self.stall_ns
                and clock_ns(CLOCK_MONOTONIC) - self.progress_ns > self.stall_ns):
            return -1
        return ready if ready > 0 else 0

    cdef void work(self) noexcept nogil:
        """The loop's task; overridden."""
        self.fail(b"no task", 0)

    def run(self, double stall_s=10.0):
        """Runs the task to its end. LoadError if it fails or makes no progress for `stall_s`
        (0: it may take for ever)."""
        cdef int64_t cpu
        self.stall_ns = <int64_t>(stall_s * 1e9)
        with nogil:
            if self.paced:
                prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS)
            cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID)
            self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            self.work()
            self.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu
        if self.failed:
            raise LoadError(self.error.decode("utf-8", "replace"))

    def stop(self):
        """Ends the loop within a tick; any thread may call it."""
        self.stopping = True

    def want(self, list messages):
        """How many messages are each connection's share; before the run."""
        cdef int index
        if len(messages) != self.count:
            raise ValueError("a share for each connection")
        for index in range(self.count):
            self.connections[index].wanted = messages[index]

    def hand_over(self, list received):
        """What came on each connection before it was the loop's; before the run, which takes it
        first."""
        cdef Connection *connection
        cdef const char *data
        cdef int index
        if len(received) != self.count:
            raise ValueError("something for each connection")
        for index in range(self.count):
            connection = &self.connections[index]
            data = <bytes>received[index]
            if not self.make_room(connection, len(<bytes>received[index])):
                raise MemoryError
            connection.stash_len = len(<bytes>received[index])
            memcpy(connection.stash, data, connection.stash_len)
            connection.handed = connection.stash_len > 0

    def pace(self, int64_t sleep_ns=0, double rate=0):
        """So long from the beginning of an operation to that of the next, and at most so many
        messages a second (0: as they come), of each connection; before the run."""
        if sleep_ns < 0 or rate < 0:
            raise ValueError("a pace is not negative")
        self.paced = sleep_ns > 0 or rate > 0
        self.sleep_ns = min(sleep_ns, <int64_t>LONGEST_NS)
        self.interval_ns = 1e9 / rate if rate > 0 else 0
        self.burst = max(<uint64_t>1, <uint64_t>(rate * BURST_NS / 1e9))

    def measure(self, bint operations=True, bint deliveries=False):
        """Counts how long operations or deliveries take, of each connection; before the run."""
        cdef int index
        for index in range(self.count):
            if operations and self.connections[index].operations == NULL:
                self.connections[index].operations = new_counts()
            if deliveries and self.connections[index].deliveries == NULL:
                self.connections[index].deliveries = new_counts()

    def progress(self):
        """Messages of each connection so far; any thread may ask."""
        return [self.connections[index].messages for index in range(self.count)]

    def figures(self):
        """(wanted, messages, payload bytes, first_ns, last_ns) of each; any thread may ask."""
        return [
            (
                self.connections[index].wanted, self.connections[index].messages,
                self.connections[index].payload_bytes, self.connections[index].first_ns,
                self.connections[index].last_ns,
            )
            for index in range(self.count)
        ]

    def operations(self):
        """Snapshots of each connection's counts (None: not measured); any thread may ask."""
        return [
            snapshot(self.connections[index].operations)
            if self.connections[index].operations != NULL else None
            for index in range(self.count)
        ]

    def deliveries(self):
        """The same for `deliveries`."""
        return [
            snapshot(self.connections[index].deliveries)
            if self.connections[index].deliveries != NULL else None
            for index in range(self.count)
        ]

    def quantile_ns(self, double fraction):
        """How long `fraction` of all connections' operations took at most (the upper edge of a
        cell); 0: none were measured."""
        cdef Counts *sum_of = new_counts()
        cdef int index
        try:
            for index in range(self.count):
                if self.connections[index].operations != NULL:
                    add(sum_of, self.connections[index].operations)
            return quantile(sum_of, fraction)
        finally:
            free(sum_of)

    def together(self):
        """One snapshot of all connections' operations, or of their deliveries where none are
        measured (None: neither is); any thread may ask."""
        cdef Counts *sum_of = new_counts()
        cdef Counts *counts
        cdef int index
        cdef bint operations = False, measured = False
        try:
            with nogil:
                for index in range(self.count):
                    operations = operations or self.connections[index].operations != NULL
                for index in range(self.count):
                    counts = (
                        self.connections[index].operations if operations
                        else self.connections[index].deliveries
                    )
                    if counts != NULL:
                        add(sum_of, counts)
                        measured = True
            return snapshot(sum_of) if measured else None
        finally:
            free(sum_of)
