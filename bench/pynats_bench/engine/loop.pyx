"""What all epoll loops of the load engine share: they run without the GIL.

Theory of operation. The sockets arrive connected and past the handshake (`session.py`), blocking
work is over, and each loop object owns its sockets' traffic until `run` returns. One loop is one
thread: run each in a Python thread, `run` releases the GIL for its whole duration. Loops share no
state. Times are CLOCK_MONOTONIC nanoseconds, so that one loop's `first_ns` and another's `last_ns`
can be subtracted; `cpu_ns` is the CPU time of the loop's own thread.

A loop that makes no progress for `stall_s` gives up and says what it was waiting for.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc
from libc.string cimport memcpy, strerror
from posix.unistd cimport close

from pynats_bench.engine.net cimport (
    CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD,
    MSG_NOSIGNAL, clock_ns, epoll_create1, epoll_ctl, epoll_event, epoll_wait, recv, send, send_all,
)
from pynats_bench.engine.scan cimport scan
from pynats_bench.engine.secure cimport (
    Secure, secure_free, secure_receive, secure_send, secure_send_all,
)
from pynats_server.core.sockets.layer cimport LAYER_OVERHEAD, LAYER_RECORD, Layer

from pynats_bench.model import LoadError
from pynats_bench.secure import SecureSocket

cdef enum:
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
