"""Direct gets: a window of requests in flight on one socket, every answer checked.

Theory of operation. `frame` is a ready-made request; before it is sent its number is written into
it, in `digits` digits. One request is answered by one message, or with `batch` by so many and
a message that ends them. An answer tells its stream sequence in a header; the sum over all of them
is compared with that of what was asked for.
"""

from libc.errno cimport errno
from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcmp, memcpy

from pynats_bench.engine.histogram cimport Counts, quantile, record
from pynats_bench.engine.loop cimport Connection, Loop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, clock_ns, epoll_event
from pynats_bench.engine.scan cimport Message, mix, parse_message, scan_line

cdef extern from "string.h" nogil:
    void *memmem(const void *haystack, size_t size, const void *needle, size_t length)

cdef enum:
    EVENTS = 8
    SEND_ROOM = 65536


def sequence_digest(uint64_t requests, uint64_t first, uint64_t stride, uint64_t span,
                    uint64_t batch=1):
    """The sum that answers to `requests` requests amount to, see GetLoop."""
    cdef uint64_t total = 0, number, at
    for number in range(first, first + requests):
        for at in range(batch):
            total += mix(1 + number * stride % span + at)
    return total


cdef class GetLoop(Loop):
    """Sends `requests` requests, at most `window` at a time.

    The number of request i, written at `mark` in `digits` digits with `pad` for zeros in front, is
    `base` + (`offset` + i) * `stride` % `span`. `size` is that of every payload, `batch` the
    messages that answer a request.
    """

    cdef bytearray frame
    cdef size_t mark
    cdef int digits
    cdef char pad
    cdef uint64_t requests
    cdef uint64_t window
    cdef uint64_t base
    cdef uint64_t offset
    cdef uint64_t stride
    cdef uint64_t span
    cdef uint64_t batch
    cdef uint64_t size
    cdef uint64_t sent
    cdef uint64_t in_answer
    cdef int64_t sent_ns
    cdef bytearray out
    cdef char *frame_at
    cdef char *out_at
    cdef size_t frame_len
    cdef Counts latency
    cdef readonly uint64_t answered
    cdef readonly uint64_t messages
    cdef readonly uint64_t digest

    def __init__(self, object socket, bytes frame, size_t mark, int digits, bytes pad,
                 uint64_t requests, uint64_t window, uint64_t base, uint64_t offset, uint64_t stride, uint64_t span,
                 uint64_t size, uint64_t batch=1):
        if digits < 1 or mark + digits > <size_t>len(frame):
            raise ValueError("the mark reaches beyond the frame")
        if not requests or not window or not span or not batch or len(frame) > SEND_ROOM:
            raise ValueError("requests, window, span and batch are at least 1")
        self.attach([socket], b"MSG ", 0, EPOLLIN)
        self.frame = bytearray(frame)
        self.frame_at = self.frame
        self.frame_len = len(frame)
        self.out = bytearray(SEND_ROOM)
        self.out_at = self.out
        self.mark = mark
        self.digits = digits
        self.pad = pad[0]
        self.requests = requests
        self.window = window
        self.base = base
        self.offset = offset
        self.stride = stride
        self.span = span
        self.size = size
        self.batch = batch

    cdef void write_number(self, uint64_t value) noexcept nogil:
        cdef int at = self.digits
        while at:
            at -= 1
            self.frame_at[self.mark + at] = <char>(48 + value % 10)
            value //= 10
            if value == 0:
                break
        while at:
            at -= 1
            self.frame_at[self.mark + at] = self.pad

    cdef bint ask(self, Connection *connection) noexcept nogil:
        """Sends what the window lets through."""
        cdef size_t filled = 0
        while self.sent < self.requests and self.sent - self.answered < self.window:
            if filled + self.frame_len > SEND_ROOM:
                break
            self.write_number(
                self.base + (self.offset + self.sent) * self.stride % self.span)
            memcpy(self.out_at + filled, self.frame_at, self.frame_len)
            filled += self.frame_len
            self.sent += 1
        if filled:
            self.sent_ns = clock_ns(CLOCK_MONOTONIC)
            if self.transmit_all(connection, self.out_at, filled) != 0:
                self.fail(b"send", errno)
                return False
        return True

    cdef bint refuse(self, const char *reason, const char *at, size_t size) noexcept nogil:
        cdef size_t shown = 0
        while shown < size and shown < 200 and at[shown] != 13:
            shown += 1
        snprintf(self.error, sizeof(self.error), b"%s: %.*s", reason, <int>shown, at)
        self.failed = True
        return False

    cdef bint take(self, const char *at, Message *message) noexcept nogil:
        cdef const char *headers = at + message.head_len
        cdef const char *end = <const char *>memmem(headers, message.size, b"\r\n\r\n", 4)
        cdef const char *cursor
        cdef uint64_t sequence = 0
        if at[0] != 72 or end == NULL:
            return self.refuse(b"an answer without headers", headers, message.size)
        end += 4
        if memcmp(headers, b"NATS/1.0 204", 12) == 0 and self.batch > 1:
            if self.in_answer != self.batch:
                return self.refuse(b"a batch ended early", headers, message.size)
            self.in_answer = 0
            self.answered += 1
            return True
        cursor = <const char *>memmem(headers, end - headers, b"Nats-Sequence: ", 15)
        if headers[8] == 32 or cursor == NULL:
            return self.refuse(b"the server refused a get", headers, message.size)
        if message.size - (end - headers) != self.size:
            return self.refuse(b"an answer of another size", headers, message.size)
        cursor += 15
        while 48 <= cursor[0] <= 57:
            sequence = sequence * 10 + <uint64_t>(cursor[0] - 48)
            cursor += 1
        self.digest += mix(sequence)
        self.messages += 1
        if self.batch > 1:
            self.in_answer += 1
            return True
        self.answered += 1
        if self.window == 1:
            record(&self.latency, clock_ns(CLOCK_MONOTONIC) - self.sent_ns, 1)
        return True

    cdef bint pull(self, Connection *connection) noexcept nogil:
        cdef ssize_t size = self.receive(connection)
        cdef size_t used = 0, line
        cdef Message message
        cdef const char *at
        cdef int state
        if size <= 0:
            return size == 0
        while used < <size_t>size:
            at = self.buffer + used
            if size - used >= 4 and (at[0] == 77 or at[0] == 72):
                state = parse_message(at, size - used, &message)
                if state < 0:
                    return self.refuse(b"a malformed answer", at, size - used)
                if state == 0 or size - used < message.head_len + message.size + 2:
                    break
                if not self.take(at, &message):
                    return False
                used += message.head_len + message.size + 2
            else:
                line = scan_line(&connection.scanner, at, size - used)
                if connection.scanner.failed:
                    self.fail(connection.scanner.error, 0)
                    return False
                if line == 0:
                    break
                used += line
        self.keep(connection, used, size)
        return not self.failed and self.answer_pings(connection)

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS]
        cdef Connection *connection = self.connections
        cdef int ready
        self.first_ns = clock_ns(CLOCK_MONOTONIC)
        if not self.ask(connection):
            return
        while self.answered < self.requests and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                snprintf(self.error, sizeof(self.error),
                         b"%llu of %llu gets answered, then nothing more",
                         <unsigned long long>self.answered, <unsigned long long>self.requests)
                self.failed = True
                return
            if not ready:
                continue
            self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            if not self.pull(connection) or not self.ask(connection):
                return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)

    def quantile_ns(self, double fraction):
        """Time from request to answer that `fraction` did not exceed; window 1 only."""
        return quantile(&self.latency, fraction)
