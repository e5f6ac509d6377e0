"""A client library's half of consuming, compiled: pull requests, acknowledgements, flow control.

Theory of operation. Every socket is one client. One that pulls has at most `batch` messages asked
for, and asks for the rest of them again when `step` have been handled (client libraries ask again
at half; a `step` as large as the batch is one fetch after the other). What a receive has brought is
handled at once and acknowledged with one send, as libraries with a buffered writer do. Only a
client that takes its time over a message, because it sleeps or waits for the server's answer to an
acknowledgement, keeps the deliveries behind it in a backlog. Flow control is answered at once.

Either all clients together receive a number of messages, or each its share (`want`); who has its
share ends its subscriptions and waits for a PONG: the server has then seen every acknowledgement.

Every delivery has to be the first one of its stream sequence: the sum over all sequences can be
compared with that of the range that was to come, and a client alone must get them in order.
"""

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from pynats_bench.engine.answering cimport AnsweringLoop, Text
from pynats_bench.engine.backlog cimport (
    Backlog, backlog_add, backlog_drop, backlog_first, backlog_free,
)
from pynats_bench.engine.delivery cimport (
    BAD, INCOMPLETE, Delivery, header_number, header_value, parse_delivery, sequence_of, status_of,
)
from pynats_bench.engine.histogram cimport Counts, quantile, record
from pynats_bench.engine.loop cimport EVENTS_MAX, Connection
from pynats_bench.engine.net cimport (
    CLOCK_MONOTONIC, EPOLLIN, TICK_MS, clock_ns, epoll_event,
)
from pynats_bench.engine.scan cimport mix, scan_line

cdef enum:
    BACKLOG_MAX = 4194304    # bytes; then the socket is not read from
    CONTROL = -1             # in a backlog: a request of flow control, not a payload's size
    BEATS = 2                # heartbeats that may be missing
    TICK_NS = TICK_MS * 1000000

cdef enum:
    TAKING = 0
    FLUSHING = 1
    DONE = 2


cdef struct Client:
    int state
    Text opening
    Text pull
    Text confirm
    uint64_t outstanding  # messages asked for and not handled yet
    uint64_t batch        # asked for by the last request
    uint64_t batch_got    # come since
    int64_t asked_ns      # when the last request was made
    int64_t heard_ns      # when the server said something
    uint64_t sequence     # of the last delivery
    uint64_t consumed     # the consumer's own, of the last delivery
    uint64_t unacked      # deliveries since the last acknowledgement
    bint again            # is to ask again at the next tick
    # Of a client that takes its time:
    Backlog backlog
    bint busy             # with the first of the backlog
    bint confirming       # waits for the answer to its acknowledgement
    int64_t since_ns      # that, or flushing
    bint shut             # the socket is not read from


def digest_of(uint64_t first, uint64_t last):
    """The sum over a range of sequences, both included, that deliveries of it amount to."""
    cdef uint64_t total = 0, sequence
    for sequence in range(first, last + 1):
        total += mix(sequence)
    return total


@cython.final
cdef class ConsumeLoop(AnsweringLoop):
    """Receives `messages` deliveries on all sockets together; 0: the share of each (`want`).

    `pulls` are the control lines of each socket's pull requests as far as the size, `before` and
    `after` what stands around the number of messages in their bodies; none: the server pushes.
    `capped`: no more is asked for than is missing of the share. `empty`, if any, is the error when
    a request brings nothing. `openings` are sent first. Every `ack_every`-th delivery of a socket
    and its last one are acknowledged, 0 = none; with `confirms` each has to be answered there,
    within `timeout_ns`. `heartbeat_ns` is what the server was asked for. `ordered`: a gap is an
    error. `stamped`: payloads begin with the CLOCK_MONOTONIC nanoseconds of their publish.
    `patient`: the clock starts with the first delivery.
    """

    cdef uint64_t wanted_messages
    cdef Text before
    cdef Text after
    cdef Text empty
    cdef uint64_t batch
    cdef uint64_t step
    cdef bint capped
    cdef uint64_t ack_every
    cdef bint double_acks
    cdef int64_t timeout_ns
    cdef int64_t heartbeat_ns
    cdef bint ordered
    cdef bint stamped
    cdef bint patient
    cdef bint queued   # clients take their time
    cdef bint ending   # all together have what they wanted
    cdef int open_count
    cdef int64_t looked_ns
    cdef Client *clients
    cdef Counts latency
    cdef readonly uint64_t received
    cdef readonly uint64_t digest
    cdef readonly uint64_t disorder
    cdef readonly uint64_t acknowledged
    cdef readonly uint64_t controls   # requests of flow control that were answered
    cdef readonly uint64_t statuses   # ends of pull requests
    cdef readonly uint64_t empties    # of them, those that brought nothing
    cdef readonly uint64_t silences   # heartbeats that did not come, after which it was asked again

    def __init__(
        self, list sockets, uint64_t messages=0, *, list pulls=None, bytes before=b"",
        bytes after=b"", uint64_t batch=0, uint64_t step=0, bint capped=False, bytes empty=b"",
        list openings=None, uint64_t ack_every=0, list confirms=None, int64_t timeout_ns=0,
        int64_t heartbeat_ns=0, bint ordered=False, bint stamped=False, bint patient=False,
    ):
        cdef int index
        for given in (pulls, openings, confirms):
            if given and len(given) != len(sockets):
                raise ValueError("one pull request per socket, or none")
        if pulls and not 0 < step <= batch:
            raise ValueError("a client that pulls asks again")
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.wanted_messages = messages
        self.before = self.text(before)
        self.after = self.text(after)
        self.empty = self.text(empty)
        self.batch = batch
        self.step = step
        self.capped = capped
        self.ack_every = ack_every
        self.double_acks = bool(confirms)
        self.timeout_ns = timeout_ns
        self.heartbeat_ns = heartbeat_ns
        self.ordered = ordered
        self.stamped = stamped
        self.patient = patient
        self.clients = <Client *>PyMem_Calloc(self.count, sizeof(Client))
        if self.clients == NULL:
            raise MemoryError
        for index in range(self.count):
            if openings:
                self.clients[index].opening = self.text(openings[index])
            if pulls:
                self.clients[index].pull = self.text(pulls[index])
            if confirms:
                self.clients[index].confirm = self.text(confirms[index])

    def __dealloc__(self):
        cdef int index
        if self.clients != NULL:
            for index in range(self.count):
                backlog_free(&self.clients[index].backlog)
        PyMem_Free(self.clients)

    # What goes out.

    cdef bint answer(
        self, Connection *connection, const char *subject, size_t length, const char *tail,
        size_t tail_len
    ) noexcept nogil:
        return (
            self.put(connection, b"PUB ", 4)
            and self.put(connection, subject, length)
            and self.put(connection, tail, tail_len)
        )

    cdef bint ask(self, Connection *connection, int index, uint64_t messages) noexcept nogil:
        cdef Client *client = &self.clients[index]
        cdef char number[24]
        cdef char size[32]
        cdef int digits, length
        digits = snprintf(number, sizeof(number), b"%llu", <unsigned long long>messages)
        length = snprintf(
            size, sizeof(size), b"%zu\r\n", self.before.size + digits + self.after.size)
        client.outstanding += messages
        client.batch = messages
        client.batch_got = 0
        if connection.operations != NULL:
            client.asked_ns = clock_ns(CLOCK_MONOTONIC)
        return (
            self.put_text(connection, client.pull)
            and self.put(connection, size, length)
            and self.put_text(connection, self.before)
            and self.put(connection, number, digits)
            and self.put_text(connection, self.after)
            and self.put(connection, b"\r\n", 2)
        )

    cdef bint renew(self, Connection *connection, int index) noexcept nogil:
        """Asks again, if enough has been handled since."""
        cdef Client *client = &self.clients[index]
        cdef uint64_t wanted = self.batch
        if client.outstanding and self.batch - client.outstanding < self.step:
            return True   # as a rule
        if client.pull.at == NULL or (
                self.wanted_messages and self.received >= self.wanted_messages):
            return True
        if self.capped and connection.wanted:
            wanted = min(wanted, connection.wanted - connection.messages)
        if wanted <= client.outstanding:
            return True
        return self.ask(connection, index, wanted - client.outstanding)

    cdef bint close_client(self, Connection *connection, int index) noexcept nogil:
        """It has what it wanted. Nothing else may come; what does is no business of its."""
        cdef Client *client = &self.clients[index]
        client.state = FLUSHING
        client.since_ns = clock_ns(CLOCK_MONOTONIC)
        if self.wanted_messages == 0 and not self.put(connection, b"UNSUB 1\r\nUNSUB 2\r\n", 18):
            return False
        return self.put(connection, b"PING\r\n", 6)

    # What comes in.

    cdef bint take_status(
        self, Connection *connection, int index, Delivery *item, int code
    ) noexcept nogil:
        """A message of the server about the delivery itself."""
        cdef size_t length = 0
        cdef const char *stalled
        if code == 100:
            if item.reply != NULL:
                if self.clients[index].backlog.count:
                    # What was delivered before it has to be handled first.
                    return self.remember(
                        connection, index, item.reply, item.reply_len, <uint64_t>CONTROL)
                self.controls += 1
                return self.answer(connection, item.reply, item.reply_len, b" 0\r\n\r\n", 6)
            stalled = header_value(item, b"Nats-Consumer-Stalled: ", 23, &length)
            if stalled != NULL:
                self.controls += 1
                return self.answer(connection, stalled, length, b" 0\r\n\r\n", 6)
            return True
        if self.clients[index].state != TAKING:
            return True
        if code == 404 or code == 408:
            return self.end_request(connection, index, item) and self.renew(connection, index)
        if code == 409 and self.passing(item):
            self.clients[index].again = True
            return self.end_request(connection, index, item)
        if code == 503:
            self.fail_at(connection, b"no responders: the stream or its consumer is gone", 0)
            return False
        return self.refuse(
            connection, b"the server ended the consumption", item.headers + 9, item.header_len - 9)

    cdef bint passing(self, Delivery *item) noexcept nogil:
        """Only this request is over: a later one may well be served."""
        cdef size_t length = 0
        return (
            self.batch
            and (header_value(item, b"Exceeded MaxWaiting", 19, &length) != NULL
                 or header_value(item, b"Leadership Change", 17, &length) != NULL
                 or header_value(item, b"Batch Completed", 15, &length) != NULL)
        )

    cdef bint end_request(self, Connection *connection, int index, Delivery *item) noexcept nogil:
        """The server sends no more for a request, though not all of it has come."""
        cdef Client *client = &self.clients[index]
        cdef uint64_t here = client.backlog.count
        cdef int64_t missing = header_number(item, b"Nats-Pending-Messages: ", 23)
        cdef bint alone = self.step == self.batch
        self.statuses += 1
        if alone or missing < 0:
            client.outstanding = here
        else:
            client.outstanding = max(here, client.outstanding - min(
                <uint64_t>missing, client.outstanding))
        if alone and client.batch_got == 0:
            self.empties += 1
            if self.empty.size:
                self.fail_at(connection, self.empty.at, 0)
                return False
        return True

    cdef bint take(
        self, Connection *connection, int index, Delivery *item, int64_t now
    ) noexcept nogil:
        cdef Client *client = &self.clients[index]
        cdef uint64_t stamp, sequence = 0, consumed = 0
        cdef int code = status_of(item)
        if code:
            return self.take_status(connection, index, item, code)
        if client.confirming and item.reply == NULL:
            client.confirming = False
            self.acknowledged += 1
            return self.settle(connection, index) and self.advance(connection, index, now)
        if client.state != TAKING and self.wanted_messages == 0:
            return True
        if item.reply != NULL:
            sequence = sequence_of(item.reply, item.reply_len, &consumed if self.ordered else NULL)
        if sequence == 0:
            return self.refuse(
                connection, b"a message that no consumer delivered", item.payload, item.size)
        self.digest += mix(sequence)
        if sequence <= client.sequence:
            self.disorder += 1
        client.sequence = sequence
        if self.ordered:
            if consumed != client.consumed + 1:
                return self.refuse(
                    connection, b"a gap in front of a message", item.reply, item.reply_len)
            client.consumed = consumed
        if connection.first_ns == 0:
            connection.first_ns = now
        if self.stamped and item.size >= 8:
            memcpy(&stamp, item.payload, 8)
            record(&self.latency, <uint64_t>(now - <int64_t>stamp), 1)
        client.batch_got += 1
        if client.batch_got == client.batch and connection.operations != NULL:
            record(connection.operations, <uint64_t>(now - client.asked_ns), 1)
        if not self.queued:
            return self.handle(connection, index, item.reply, item.reply_len, item.size)
        return (
            self.remember(connection, index, item.reply, item.reply_len, item.size)
            and self.advance(connection, index, now)
        )

    cdef bint handle(
        self, Connection *connection, int index, const char *reply, size_t reply_len, uint64_t size
    ) noexcept nogil:
        """A delivery has had the time that it takes."""
        cdef Client *client = &self.clients[index]
        connection.messages += 1
        connection.payload_bytes += size
        self.received += 1
        client.unacked += 1
        if client.outstanding:
            client.outstanding -= 1
        if self.ack_every and not self.double_acks and (
            client.unacked == self.ack_every or self.received == self.wanted_messages
            or connection.messages == connection.wanted
        ):
            client.unacked = 0
            self.acknowledged += 1
            if not self.answer(connection, reply, reply_len, b" 4\r\n+ACK\r\n", 10):
                return False
        if self.wanted_messages == 0 and connection.messages == connection.wanted:
            return self.close_client(connection, index)
        return self.renew(connection, index)

    # Clients that take their time.

    cdef bint remember(
        self, Connection *connection, int index, const char *reply, size_t reply_len, uint64_t size
    ) noexcept nogil:
        if not backlog_add(&self.clients[index].backlog, reply, <uint32_t>reply_len, size):
            self.fail(b"out of memory", 0)
            return False
        return True

    cdef bint settle(self, Connection *connection, int index) noexcept nogil:
        """The first of the backlog is done with."""
        cdef Client *client = &self.clients[index]
        cdef uint32_t reply_len
        cdef uint64_t size
        cdef const char *reply = backlog_first(&client.backlog, &reply_len, &size)
        client.busy = False
        if not self.handle(connection, index, reply, reply_len, size):
            return False
        backlog_drop(&client.backlog)
        if client.shut and client.backlog.end - client.backlog.start < BACKLOG_MAX // 2:
            client.shut = False
            return self.watch(connection, index, EPOLLIN)
        return True

    cdef bint acknowledge(self, Connection *connection, int index, int64_t now) noexcept nogil:
        """The time for the first of the backlog is over; perhaps the server has to say so."""
        cdef Client *client = &self.clients[index]
        cdef uint32_t reply_len
        cdef uint64_t size
        cdef const char *reply
        if not self.double_acks:
            return self.settle(connection, index)
        reply = backlog_first(&client.backlog, &reply_len, &size)
        client.busy = client.confirming = True
        client.since_ns = now
        return (
            self.answer(connection, reply, reply_len, b" ", 1)
            and self.put_text(connection, client.confirm)
            and self.put(connection, b" 4\r\n+ACK\r\n", 10)
        )

    cdef bint advance(self, Connection *connection, int index, int64_t now) noexcept nogil:
        cdef Client *client = &self.clients[index]
        cdef uint32_t reply_len
        cdef uint64_t size
        cdef const char *reply
        while client.state == TAKING and client.backlog.count and not client.busy:
            reply = backlog_first(&client.backlog, &reply_len, &size)
            if size == <uint64_t>CONTROL:
                if not self.answer(connection, reply, reply_len, b" 0\r\n\r\n", 6):
                    return False
                self.controls += 1
                backlog_drop(&client.backlog)
            elif self.paced:
                client.busy = True
                connection.waiting = True
                self.began(connection, now, 1)
            elif not self.acknowledge(connection, index, now):
                return False
        if not client.shut and client.backlog.end - client.backlog.start > BACKLOG_MAX:
            client.shut = True
            return self.watch(connection, index, 0)
        return True

    cdef bint turn(self, Connection *connection, int index) noexcept nogil:
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC)
        if self.clients[index].state != TAKING:
            return True
        if not (self.acknowledge(connection, index, now)
                and self.advance(connection, index, now) and self.flush(connection)):
            return False
        connection.last_ns = clock_ns(CLOCK_MONOTONIC)
        return True

    # The loop.

    cdef bint pull(self, Connection *connection, int index) noexcept nogil:
        """Receive once, take every complete delivery, and send the answers."""
        cdef Client *client = &self.clients[index]
        cdef int64_t began = 0 if connection.first_ns else clock_ns(CLOCK_MONOTONIC)
        cdef ssize_t size = self.receive(connection)
        cdef uint64_t before = connection.messages
        cdef size_t used = 0, line
        cdef Delivery item
        cdef const char *at
        cdef int state
        cdef int64_t now
        if size <= 0:
            return size == 0
        now = clock_ns(CLOCK_MONOTONIC)
        client.heard_ns = now
        if self.patient and began and self.received == 0 and self.first_ns == 0:
            self.first_ns = began
        while used < <size_t>size:
            at = self.buffer + used
            if size - used >= 4 and (at[0] == 77 or at[0] == 72):
                state = parse_delivery(at, size - used, &item)
                if state == BAD:
                    return self.refuse(connection, b"a malformed delivery", at, size - used)
                if state == INCOMPLETE:
                    break
                if not self.take(connection, index, &item, now):
                    return False
                used += item.frame
            else:
                line = scan_line(&connection.scanner, at, size - used)
                if connection.scanner.failed:
                    self.fail_at(connection, connection.scanner.error, 0)
                    return False
                if line == 0:
                    break
                used += line
        self.keep(connection, used, size)
        if self.failed or not self.flush(connection) or not self.answer_pings(connection):
            return False
        if began and connection.first_ns:
            connection.first_ns = began   # before the receive that brought the first
        if connection.messages != before:
            connection.last_ns = clock_ns(CLOCK_MONOTONIC)
        if client.state == FLUSHING and connection.scanner.pongs:
            client.state = DONE
            self.open_count -= 1
            if self.ack_every:
                connection.last_ns = clock_ns(CLOCK_MONOTONIC)
        return True

    cdef bint end_all(self) noexcept nogil:
        """All together have what they wanted; anything more is counted, too."""
        cdef int index
        self.ending = True
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            if self.clients[index].state == TAKING and not (
                    self.close_client(&self.connections[index], index)
                    and self.flush(&self.connections[index])):
                return False
        return True

    cdef bint late(self, Connection *connection, const char *what, int64_t wait_ns) noexcept nogil:
        """Fails, for the server has not done it in time."""
        self.fail_at(connection, b"", 0)
        snprintf(self.error, sizeof(self.error), b"%s within %g s", what, wait_ns / 1e9)
        return False

    cdef bint look(self) noexcept nogil:
        """Who waits for the server in vain, and who is to ask again."""
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC)
        cdef Connection *connection
        cdef Client *client
        cdef int index
        if now - self.looked_ns < TICK_NS:
            return True
        self.looked_ns = now
        for index in range(self.count):
            client = &self.clients[index]
            connection = &self.connections[index]
            if client.state == DONE:
                continue
            if self.timeout_ns and now - client.since_ns > self.timeout_ns:
                if client.confirming:
                    return self.late(
                        connection, b"no answer to an acknowledgement", self.timeout_ns)
                if client.state == FLUSHING:
                    return self.late(
                        connection, b"no PONG after the last acknowledgement", self.timeout_ns)
            if client.state != TAKING or client.shut:
                continue
            if self.heartbeat_ns and now - client.heard_ns > BEATS * self.heartbeat_ns and (
                    client.pull.at == NULL or client.outstanding > client.backlog.count):
                if self.empty.size or client.pull.at == NULL:
                    return self.late(
                        connection, b"no heartbeat of the server", BEATS * self.heartbeat_ns)
                self.silences += 1
                client.heard_ns = now
                client.outstanding = client.backlog.count
                client.again = True
            if client.again:
                client.again = False
                if not (self.renew(connection, index) and self.flush(connection)):
                    return False
        return True

    cdef bint begin(self) noexcept nogil:
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC)
        cdef int index
        self.queued = self.paced or self.double_acks
        self.open_count = self.count
        self.looked_ns = now
        if not self.patient:
            self.first_ns = now
        for index in range(self.count):
            self.clients[index].heard_ns = now
            if not (self.put_text(&self.connections[index], self.clients[index].opening)
                    and self.renew(&self.connections[index], index)
                    and self.flush(&self.connections[index])):
                return False
        return True

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef int ready, at, index
        if not self.begin():
            return
        while self.open_count and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                if self.wanted_messages == 0 or self.received < self.wanted_messages:
                    self.fail(b"", 0)
                    snprintf(self.error, sizeof(self.error),
                             b"received %llu of %llu messages, then nothing more",
                             <unsigned long long>self.received,
                             <unsigned long long>self.wanted_messages)
                self.fail(b"no PONG after the last acknowledgement", 0)
                return
            if ready:
                self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            for at in range(ready):
                index = <int>events[at].data.u64
                if not self.pull(&self.connections[index], index):
                    return
            if not (self.take_turns() and self.look()):
                return
            if (self.wanted_messages and self.received >= self.wanted_messages
                    and not self.ending):
                if not self.end_all():
                    return
        if self.wanted_messages == 0 or self.ack_every:
            self.last_ns = clock_ns(CLOCK_MONOTONIC)

    @property
    def payload_bytes(self):
        """Over all sockets, without headers."""
        return sum([self.connections[index].payload_bytes for index in range(self.count)])

    def quantile_ns(self, double fraction):
        """Time from publish to delivery that `fraction` did not exceed; `stamped` only."""
        return quantile(&self.latency, fraction)
