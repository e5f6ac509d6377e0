"""Loops that request and answer."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport errno
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from pynats_bench.engine.histogram cimport Counts, quantile, record
from pynats_bench.engine.loop cimport EVENTS_MAX, RECEIVE_BYTES, Connection, Loop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, clock_ns, epoll_event
from pynats_bench.engine.scan cimport Message, parse_message, scan_line


cdef class RequestLoop(Loop):
    """Keeps one request in flight on every socket until `messages` have been answered.

    `requests` holds one ready-made PUB frame per socket. `quantile_ns` reads the round-trip times.
    """

    cdef uint64_t messages
    cdef Counts latency
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
                record(&self.latency, now - connection.sent_ns, 1)
                connection.answered += 1
                self.answered += 1
                if asked < self.messages:
                    asked += 1
                    if not self.ask(connection):
                        return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)

    def quantile_ns(self, double fraction):
        """Round-trip time that `fraction` of the requests did not exceed (upper bucket edge)."""
        return quantile(&self.latency, fraction)


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
