"""Loops that request and answer."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memmove

from pynats_bench.engine.histogram cimport record
from pynats_bench.engine.loop cimport EVENTS_MAX, RECEIVE_BYTES, Connection
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, clock_ns, epoll_event
from pynats_bench.engine.receiving cimport ReceivingLoop
from pynats_bench.engine.scan cimport Message, write_digits

cdef extern from "string.h" nogil:
    void *memmem(const void *haystack, size_t size, const void *needle, size_t length)

cdef enum:
    QUEUE_MAX = 67108864   # bytes of reply subjects whose turn has not come


cdef class RequestLoop(ReceivingLoop):
    """Keeps one request in flight on every socket until each has its share answered.

    `requests` holds one ready-made PUB or HPUB frame per socket, without `tail`, the payload, if
    that is large. With `digits` > 0 as many bytes of the reply subject, at its `numbers_at` and the
    frame's `marks`, take the request's number: what answers another one is a second answer
    and dropped. Without, a second answer is an error. `check` refuses what a benchmark's service
    does not answer: nothing, what begins with `-`, and what contains `error`. `payload_bytes` are
    counted for each request.
    """

    cdef int digits
    cdef const char *tail
    cdef size_t tail_len
    cdef bint check
    cdef size_t payload_bytes
    cdef int open_count

    def __init__(self, list sockets, list requests, bytes tail=b"", list marks=None,
                 list numbers_at=None, int digits=0, bint check=False, size_t payload_bytes=0):
        cdef int index
        cdef bytearray request
        if len(requests) != len(sockets) or (
            digits and not len(marks) == len(numbers_at) == len(sockets)
        ):
            raise ValueError("one request per socket")
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.owned.append(tail)
        self.tail = tail
        self.tail_len = len(tail)
        self.digits = digits
        self.check = check
        self.payload_bytes = payload_bytes
        for index in range(self.count):
            request = bytearray(requests[index])
            self.owned.append(request)
            self.connections[index].request = request
            self.connections[index].request_len = len(request)
            if digits:
                if marks[index] + digits > len(request):
                    raise ValueError("the number reaches beyond the request")
                self.connections[index].position = marks[index]
                self.connections[index].limit = numbers_at[index]

    @property
    def answered(self):
        """Requests of all sockets that were answered."""
        return sum(self.progress())

    cdef bint ask(self, Connection *connection, int64_t now) noexcept nogil:
        connection.sequence += 1
        if self.digits:
            write_digits(
                connection.request + connection.position, connection.sequence, self.digits)
        if connection.first_ns == 0:
            connection.first_ns = now
        connection.sent_ns = now
        if self.transmit_all(connection, connection.request, connection.request_len) != 0 or (
            self.tail_len and self.transmit_all(connection, self.tail, self.tail_len) != 0
        ):
            self.unsent(connection)
            return False
        return True

    cdef bint turn(self, Connection *connection, int index) noexcept nogil:
        """The next request, if its time has come."""
        cdef int64_t now
        if connection.wanted and connection.sequence == connection.wanted:
            self.open_count -= 1
            return True
        now = clock_ns(CLOCK_MONOTONIC)
        if self.paced:
            if self.allowance(connection, now) == 0:
                connection.waiting = True
                return True
            self.began(connection, now, 1)
        return self.ask(connection, now)

    cdef bint refuse(
        self, Connection *connection, const char *payload, size_t size
    ) noexcept nogil:
        cdef char text[300]
        snprintf(text, sizeof(text), b'request did not receive a good reply: "%.*s"',
                 <int>min(size, <size_t>200), payload)
        self.fail_at(connection, text, 0)
        return False

    cdef bint take(self, Connection *connection, int index, const char *at, Message *message,
                   int64_t now) noexcept nogil:
        cdef const char *payload = at + message.head_len
        cdef size_t size = message.size - message.header_len
        cdef size_t subject_at = 5 if at[0] == 72 else 4   # HMSG, MSG
        if self.digits:
            if connection.sent_ns == 0 or (
                message.head_len < subject_at + connection.limit + self.digits
                or memcmp(at + subject_at + connection.limit,
                       connection.request + connection.position, self.digits) != 0
            ):
                return True
        elif connection.sent_ns == 0:
            self.fail_at(connection, b"a request was answered twice", 0)
            return False
        if size == 0 and message.header_len >= 12 and memcmp(payload, b"NATS/1.0 503", 12) == 0:
            self.fail_at(connection, b"no responders available for request", 0)
            return False
        payload += message.header_len
        if self.check and (
            size == 0 or payload[0] == 45 or memmem(payload, size, b"error", 5) != NULL
        ):
            return self.refuse(connection, payload, size)
        self.progress_ns = now
        if connection.operations != NULL:
            record(connection.operations, now - connection.sent_ns, 1)
        connection.sent_ns = 0
        connection.messages += 1
        connection.payload_bytes += self.payload_bytes
        connection.last_ns = now
        return self.turn(connection, index)

    cdef bint malformed(
        self, Connection *connection, int index, const char *at, size_t size
    ) noexcept nogil:
        self.fail_at(connection, b"a malformed answer", 0)
        return False

    cdef bint overdue(self, int index, int64_t now) noexcept nogil:
        cdef int64_t sent_ns = self.connections[index].sent_ns
        return sent_ns and now - sent_ns > self.stall_ns

    cdef void silent(self, int index) noexcept nogil:
        cdef char text[80]
        snprintf(text, sizeof(text), b"no answer to a request within %gs", self.stall_ns / 1e9)
        self.fail_at(&self.connections[index], text, 0)

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index
        self.open_count = self.count
        self.first_ns = self.checked_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            if not self.turn(&self.connections[index], index):
                return
        while self.open_count and not self.failed and not self.stopping:
            if not self.take_turns():
                return
            ready = self.wait(events)
            if ready < 0:
                ready = 0   # whose answer it is, `overdue` tells
                self.checked_ns = 0
            for at in range(ready):
                index = <int>events[at].data.u64
                if not (self.pull(&self.connections[index], index)
                        and self.answer_pings(&self.connections[index])):
                    return
            if not self.check_silence():
                return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)


cdef struct Queue:
    char *data      # reply subjects, each behind its length
    size_t start
    size_t end
    size_t size


cdef class RespondLoop(ReceivingLoop):
    """Answers every message that has a reply subject with `payload`, until stopped.

    Paced with a sleep, a socket takes so long for each request, one after the other, as if it
    worked; it reads on meanwhile.
    """

    cdef bytes tail
    cdef const char *tail_at
    cdef size_t tail_len
    cdef char *out
    cdef size_t out_size
    cdef size_t filled
    cdef Queue *queues
    cdef int64_t *worked   # nanoseconds that each socket has spent on its requests

    def __cinit__(self, *args, **kwargs):
        self.out = NULL

    def __init__(self, list sockets, bytes payload):
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.tail = b" %d\r\n%s\r\n" % (len(payload), payload)
        self.tail_at = self.tail
        self.tail_len = len(self.tail)
        self.out_size = RECEIVE_BYTES + len(self.tail)
        self.out = <char *>PyMem_Calloc(1, self.out_size)
        self.queues = <Queue *>PyMem_Calloc(self.count, sizeof(Queue))
        self.worked = <int64_t *>PyMem_Calloc(self.count, sizeof(int64_t))
        if self.out == NULL or self.queues == NULL or self.worked == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef int index
        PyMem_Free(self.out)
        if self.queues != NULL:
            for index in range(self.count):
                free(self.queues[index].data)
        PyMem_Free(self.queues)
        PyMem_Free(self.worked)

    @property
    def answered(self):
        """Requests of all sockets that were answered."""
        return sum(self.progress())

    def work_ns(self):
        """How long each socket has worked on what it has answered; any thread may ask."""
        return [self.worked[index] for index in range(self.count)]

    cdef bint reply(self, Connection *connection, const char *subject, size_t size) noexcept nogil:
        """Adds an answer to what is sent next."""
        cdef size_t need = 4 + size + self.tail_len
        if self.filled + need > self.out_size and not self.flush(connection):
            return False
        memcpy(self.out + self.filled, b"PUB ", 4)
        memcpy(self.out + self.filled + 4, subject, size)
        memcpy(self.out + self.filled + 4 + size, self.tail_at, self.tail_len)
        self.filled += need
        connection.messages += 1
        return True

    cdef bint flush(self, Connection *connection) noexcept nogil:
        if self.filled and self.transmit_all(connection, self.out, self.filled) != 0:
            self.unsent(connection)
            return False
        self.filled = 0
        return True

    cdef bint enqueue(
        self, Connection *connection, int index, const char *subject, uint32_t size
    ) noexcept nogil:
        cdef Queue *queue = &self.queues[index]
        cdef size_t room = queue.size
        cdef char *larger
        if queue.end + 4 + size > room and queue.start:
            memmove(queue.data, queue.data + queue.start, queue.end - queue.start)
            queue.end -= queue.start
            queue.start = 0
        if queue.end + 4 + size > room:
            room = 2 * (room + 4 + size)
            larger = <char *>realloc(queue.data, room) if room <= QUEUE_MAX else NULL
            if larger == NULL:
                self.fail_at(connection, b"requests come faster than they are answered", 0)
                return False
            queue.data = larger
            queue.size = room
        memcpy(queue.data + queue.end, &size, 4)
        memcpy(queue.data + queue.end + 4, subject, size)
        queue.end += 4 + size
        if not connection.waiting:
            connection.waiting = True
            connection.ready_ns = clock_ns(CLOCK_MONOTONIC) + self.sleep_ns
        return True

    cdef bint turn(self, Connection *connection, int index) noexcept nogil:
        """The request that was worked on is done."""
        cdef Queue *queue = &self.queues[index]
        cdef uint32_t size
        memcpy(&size, queue.data + queue.start, 4)
        if not self.reply(connection, queue.data + queue.start + 4, size):
            return False
        queue.start += 4 + size
        if not self.flush(connection):
            return False
        connection.last_ns = clock_ns(CLOCK_MONOTONIC)
        self.worked[index] += self.sleep_ns
        if queue.start == queue.end:
            queue.start = queue.end = 0
        else:
            connection.waiting = True
            connection.ready_ns = connection.last_ns + self.sleep_ns
        return True

    cdef bint take(self, Connection *connection, int index, const char *at, Message *message,
                   int64_t now) noexcept nogil:
        if message.reply == NULL:
            return True
        if connection.first_ns == 0:
            connection.first_ns = now
        connection.payload_bytes += message.size - message.header_len
        if self.sleep_ns:
            return self.enqueue(connection, index, message.reply, <uint32_t>message.reply_len)
        return self.reply(connection, message.reply, message.reply_len)

    cdef bint malformed(
        self, Connection *connection, int index, const char *at, size_t size
    ) noexcept nogil:
        self.fail_at(connection, b"malformed request", 0)
        return False

    cdef bint answer(self, Connection *connection, int index) noexcept nogil:
        """Receive once, answer all complete requests with one send."""
        cdef int64_t began = clock_ns(CLOCK_MONOTONIC)
        cdef bint first = connection.first_ns == 0
        if not self.pull(connection, index):
            return False
        if first and connection.first_ns:
            connection.first_ns = began   # before the receive that brought it
        if self.filled:
            if not self.flush(connection):
                return False
            connection.last_ns = clock_ns(CLOCK_MONOTONIC)
            self.worked[index] += connection.last_ns - began
        return self.answer_pings(connection)

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index
        self.first_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            if self.connections[index].handed and not (
                self.answer(&self.connections[index], index)
            ):
                return
        while not self.failed and not self.stopping:
            self.progress_ns = clock_ns(CLOCK_MONOTONIC)  # idle time is not a failure here
            if not self.take_turns():
                return
            ready = self.wait(events)
            for at in range(ready):
                index = <int>events[at].data.u64
                if not self.answer(&self.connections[index], index):
                    return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
