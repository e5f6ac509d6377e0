"""A client library's half of consuming, compiled: pull requests, acknowledgements, flow control.

Theory of operation. Every socket is one client. A pulling client asks for `first` messages, and for
`step` more whenever so many have come (client libraries ask again at half; a `step` as large as
`first` is one fetch after the other). What a receive has brought is acknowledged with one send, as
libraries with a buffered writer do. Requests of flow control are answered at once.

Every delivery has to be the first one of its stream sequence: the sum over all sequences is compared
with that of the range that was to come, and a client alone must get them in order.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport errno
from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcmp, memcpy

from pynats_bench.engine.histogram cimport Counts, quantile, record
from pynats_bench.engine.loop cimport EVENTS_MAX, RECEIVE_BYTES, STASH_BYTES, Connection, Loop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, clock_ns, epoll_event
from pynats_bench.engine.scan cimport mix, scan_line

cdef extern from "string.h" nogil:
    void *memmem(const void *haystack, size_t size, const void *needle, size_t length)

cdef enum:
    LINE_MAX = 16384
    INCOMPLETE = 0
    WHOLE = 1
    BAD = -1


cdef struct Delivery:
    const char *reply
    size_t reply_len
    const char *headers   # the header block, or NULL
    size_t header_len
    const char *payload
    size_t size           # of the payload, without headers
    size_t frame          # of everything, CRLF included


cdef struct Client:
    uint64_t received
    uint64_t asked_at     # what was received when it asked last
    uint64_t sequence     # of the last delivery
    uint64_t unacked      # deliveries since the last acknowledgement


cdef int parse_delivery(const char *at, size_t size, Delivery *out) noexcept nogil:
    """MSG subject sid [reply] size, HMSG subject sid [reply] headers size."""
    cdef const char *end = <const char *>memchr(at, 10, size)
    cdef const char *cursor
    cdef const char *last
    cdef uint64_t total = 0, headers = 0, scale = 1
    cdef bint with_headers = at[0] == 72
    if end == NULL:
        return BAD if size > LINE_MAX else INCOMPLETE
    if end - at < 8 or (end - 1)[0] != 13:
        return BAD
    cursor = end - 2
    while cursor > at and 48 <= cursor[0] <= 57:
        total += <uint64_t>(cursor[0] - 48) * scale
        scale *= 10
        cursor -= 1
    if with_headers:
        scale = 1
        cursor -= 1
        while cursor > at and 48 <= cursor[0] <= 57:
            headers += <uint64_t>(cursor[0] - 48) * scale
            scale *= 10
            cursor -= 1
    if cursor[0] != 32 or headers > total:
        return BAD
    out.frame = (end + 1 - at) + total + 2
    if size < out.frame:
        return INCOMPLETE
    last = cursor  # blank behind the reply, or behind the sid
    cursor -= 1
    while cursor > at and cursor[0] != 32:
        cursor -= 1
    out.reply = cursor + 1
    out.reply_len = last - out.reply
    out.header_len = headers
    out.headers = end + 1 if with_headers else NULL
    out.payload = end + 1 + headers
    out.size = total - headers
    # With a sid in this place there is no reply: sids of these clients have no dots.
    if memchr(out.reply, 46, out.reply_len) == NULL:
        out.reply = NULL
        out.reply_len = 0
    return WHOLE


cdef uint64_t stream_sequence(const char *reply, size_t length) noexcept nogil:
    """Of `$JS.ACK.….<stream sequence>.<consumer's>.<time>.<pending>`; 0 when it is none."""
    cdef const char *cursor = reply + length - 1
    cdef uint64_t value = 0, scale = 1
    cdef int dots = 0
    if length < 9 or memcmp(reply, b"$JS.ACK.", 8) != 0:
        return 0
    while cursor > reply and dots < 3:
        if cursor[0] == 46:
            dots += 1
        cursor -= 1
    while cursor > reply and 48 <= cursor[0] <= 57:
        value += <uint64_t>(cursor[0] - 48) * scale
        scale *= 10
        cursor -= 1
    return value


def digest_of(uint64_t first, uint64_t last):
    """The sum over a range of sequences, both included, that deliveries of it amount to."""
    cdef uint64_t total = 0, sequence
    for sequence in range(first, last + 1):
        total += mix(sequence)
    return total


cdef class ConsumeLoop(Loop):
    """Receives `messages` deliveries on all sockets together.

    `first` and `again` are ready-made pull requests of every socket (all empty: the server pushes),
    `step` the messages after which a socket asks again. Every `ack_every`-th delivery of a socket
    and its last one are acknowledged, 0 = none. `stamped`: payloads begin with the CLOCK_MONOTONIC
    nanoseconds of their publish. `patient`: the clock starts with the first delivery.
    """

    cdef uint64_t messages
    cdef list first
    cdef list again
    cdef uint64_t step
    cdef uint64_t ack_every
    cdef bint stamped
    cdef bint patient
    cdef Client *clients
    cdef const char **first_at
    cdef const char **again_at
    cdef size_t *first_len
    cdef size_t *again_len
    cdef char *out
    cdef size_t filled
    cdef Counts latency
    cdef readonly uint64_t received
    cdef readonly uint64_t payload_bytes
    cdef readonly uint64_t digest
    cdef readonly uint64_t disorder
    cdef readonly uint64_t acknowledged
    cdef readonly uint64_t controls   # requests of flow control that were answered
    cdef readonly uint64_t statuses   # ends of pull requests

    def __init__(self, list sockets, uint64_t messages, list first, list again, uint64_t step,
                 uint64_t ack_every=0, bint stamped=False, bint patient=False):
        cdef int index
        if messages == 0:
            raise ValueError("nothing to receive")
        if len(first) != len(again) or (first and len(first) != len(sockets)):
            raise ValueError("one pull request per socket, or none")
        if first and step == 0:
            raise ValueError("a client that pulls asks again")
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.messages = messages
        self.first = first
        self.again = again
        self.step = step
        self.ack_every = ack_every
        self.stamped = stamped
        self.patient = patient
        self.clients = <Client *>PyMem_Calloc(self.count, sizeof(Client))
        self.first_at = <const char **>PyMem_Calloc(self.count, sizeof(char *))
        self.again_at = <const char **>PyMem_Calloc(self.count, sizeof(char *))
        self.first_len = <size_t *>PyMem_Calloc(self.count, sizeof(size_t))
        self.again_len = <size_t *>PyMem_Calloc(self.count, sizeof(size_t))
        # An acknowledgement is shorter than its delivery, but for a few bytes.
        self.out = <char *>PyMem_Calloc(2, RECEIVE_BYTES + STASH_BYTES)
        if (self.clients == NULL or self.first_at == NULL or self.again_at == NULL
                or self.first_len == NULL or self.again_len == NULL or self.out == NULL):
            raise MemoryError
        for index in range(len(first)):
            self.first_at[index] = <bytes>first[index]
            self.first_len[index] = len(<bytes>first[index])
            self.again_at[index] = <bytes>again[index]
            self.again_len[index] = len(<bytes>again[index])

    def __dealloc__(self):
        PyMem_Free(self.clients)
        PyMem_Free(self.first_at)
        PyMem_Free(self.again_at)
        PyMem_Free(self.first_len)
        PyMem_Free(self.again_len)
        PyMem_Free(self.out)

    cdef bint flush(self, Connection *connection) noexcept nogil:
        if self.filled and self.transmit_all(connection, self.out, self.filled) != 0:
            self.fail(b"send", errno)
            return False
        self.filled = 0
        return True

    cdef bint put(self, Connection *connection, const char *data, size_t size) noexcept nogil:
        if self.filled + size > <size_t>(2 * (RECEIVE_BYTES + STASH_BYTES)):
            if not self.flush(connection):
                return False
        memcpy(self.out + self.filled, data, size)
        self.filled += size
        return True

    cdef bint answer(
        self, Connection *connection, const char *subject, size_t length, const char *tail,
        size_t tail_len
    ) noexcept nogil:
        return (
            self.put(connection, b"PUB ", 4)
            and self.put(connection, subject, length)
            and self.put(connection, tail, tail_len)
        )

    cdef bint ask(self, Connection *connection, int index, bint again) noexcept nogil:
        if self.first_at[index] == NULL:
            return True
        self.clients[index].asked_at = self.clients[index].received
        if again:
            return self.put(connection, self.again_at[index], self.again_len[index])
        return self.put(connection, self.first_at[index], self.first_len[index])

    cdef bint refuse(self, const char *reason, const char *at, size_t size) noexcept nogil:
        cdef size_t shown = 0
        while shown < size and shown < 200 and at[shown] != 13:
            shown += 1
        snprintf(self.error, sizeof(self.error), b"%s: %.*s", reason, <int>shown, at)
        self.failed = True
        return False

    cdef bint take_status(self, Connection *connection, int index, Delivery *item) noexcept nogil:
        """A message of the server about the delivery itself."""
        cdef const char *code = item.headers + 9
        cdef const char *stalled
        cdef const char *end
        if memcmp(code, b"100", 3) == 0:
            if item.reply != NULL:
                self.controls += 1
                return self.answer(connection, item.reply, item.reply_len, b" 0\r\n\r\n", 6)
            stalled = <const char *>memmem(
                item.headers, item.header_len, b"Nats-Consumer-Stalled: ", 23)
            if stalled != NULL:
                end = <const char *>memchr(stalled, 13, item.headers + item.header_len - stalled)
                if end != NULL:
                    self.controls += 1
                    return self.answer(
                        connection, stalled + 23, end - stalled - 23, b" 0\r\n\r\n", 6)
            return True
        if memcmp(code, b"404", 3) == 0 or memcmp(code, b"408", 3) == 0:
            self.statuses += 1
            return self.ask(connection, index, False)
        return self.refuse(b"the server ended the consumption", item.headers, item.header_len)

    cdef bint take(
        self, Connection *connection, int index, Delivery *item, int64_t now
    ) noexcept nogil:
        cdef Client *client = &self.clients[index]
        cdef uint64_t sequence
        cdef uint64_t stamp
        if (item.headers != NULL and item.header_len > 13
                and memcmp(item.headers, b"NATS/1.0 ", 9) == 0):
            return self.take_status(connection, index, item)
        sequence = stream_sequence(item.reply, item.reply_len) if item.reply != NULL else 0
        if sequence == 0:
            return self.refuse(b"a message that no consumer delivered", item.payload, item.size)
        self.digest += mix(sequence)
        if sequence <= client.sequence:
            self.disorder += 1
        client.sequence = sequence
        client.received += 1
        client.unacked += 1
        self.received += 1
        self.payload_bytes += item.size
        if self.stamped and item.size >= 8:
            memcpy(&stamp, item.payload, 8)
            record(&self.latency, <uint64_t>(now - <int64_t>stamp), 1)
        if self.ack_every and (
            client.unacked == self.ack_every or self.received == self.messages
        ):
            client.unacked = 0
            self.acknowledged += 1
            if not self.answer(connection, item.reply, item.reply_len, b" 4\r\n+ACK\r\n", 10):
                return False
        if client.received - client.asked_at >= self.step and self.received < self.messages:
            return self.ask(connection, index, True)
        return True

    cdef bint pull(self, Connection *connection, int index) noexcept nogil:
        """Receive once, take every complete delivery, and send the answers."""
        cdef ssize_t size = self.receive(connection)
        cdef size_t used = 0, line
        cdef Delivery item
        cdef const char *at
        cdef int state
        cdef int64_t now = 0
        if size <= 0:
            return size == 0
        if self.stamped or self.patient:
            now = clock_ns(CLOCK_MONOTONIC)
            if self.patient and self.received == 0 and self.first_ns == 0:
                self.first_ns = now
        while used < <size_t>size:
            at = self.buffer + used
            if size - used >= 4 and (at[0] == 77 or at[0] == 72):
                state = parse_delivery(at, size - used, &item)
                if state == BAD:
                    return self.refuse(b"a malformed delivery", at, size - used)
                if state == INCOMPLETE:
                    break
                if not self.take(connection, index, &item, now):
                    return False
                used += item.frame
            else:
                line = scan_line(&connection.scanner, at, size - used)
                if connection.scanner.failed:
                    self.fail(connection.scanner.error, 0)
                    return False
                if line == 0:
                    break
                used += line
        self.keep(connection, used, size)
        return not self.failed and self.flush(connection) and self.answer_pings(connection)

    cdef bint finish(self) noexcept nogil:
        """Until the server has seen every acknowledgement. Nothing else may come."""
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index, waiting = self.count
        for index in range(self.count):
            if self.transmit_all(&self.connections[index], b"PING\r\n", 6) != 0:
                self.fail(b"send", errno)
                return False
        while waiting and not self.stopping and not self.failed:
            ready = self.wait(events)
            if ready < 0:
                self.fail(b"no PONG after the last acknowledgement", 0)
                return False
            for at in range(ready):
                index = <int>events[at].data.u64
                if not self.pull(&self.connections[index], index):
                    return False
            waiting = 0
            for index in range(self.count):
                if self.connections[index].scanner.pongs == 0:
                    waiting += 1
        return not self.failed

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index
        cdef int64_t end
        if not self.patient:
            self.first_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            if not (self.ask(&self.connections[index], index, False)
                    and self.flush(&self.connections[index])):
                return
        while self.received < self.messages and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                snprintf(self.error, sizeof(self.error),
                         b"received %llu of %llu messages, then nothing more",
                         <unsigned long long>self.received, <unsigned long long>self.messages)
                self.failed = True
                return
            if ready:
                self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            for at in range(ready):
                index = <int>events[at].data.u64
                if not self.pull(&self.connections[index], index):
                    return
        end = clock_ns(CLOCK_MONOTONIC)
        if not self.failed and self.finish() and self.ack_every:
            end = clock_ns(CLOCK_MONOTONIC)
        self.last_ns = end

    @property
    def counts(self):
        """Deliveries per socket."""
        return [self.clients[index].received for index in range(self.count)]

    def quantile_ns(self, double fraction):
        """Time from publish to delivery that `fraction` did not exceed; `stamped` only."""
        return quantile(&self.latency, fraction)
