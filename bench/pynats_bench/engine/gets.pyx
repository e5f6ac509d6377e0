"""Gets of stored messages: a window of requests in flight on each socket, every answer checked.

Theory of operation. A request is written from its pieces with the number of a sequence or a key in
its subject or its body. It is answered by one message, or with `batch` by so many and one that ends
them. Numbers follow a pattern (`base + (offset + i) * stride % span`, so that gets can jump about),
are random, or with `follow` each batch begins behind the last message of the one before: then the
window is one, the last batch of a client asks for what is missing, and shorter ones are counted.

An answer tells its stream sequence in a header; where it is known what has to come, the sum over
all of them is compared. Servers that may not answer directly answer with JSON (`direct` off), whose
content is looked at no more than necessary.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport errno
from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp

from pynats_bench.engine.answers cimport describe, find
from pynats_bench.engine.frames cimport PLAIN, next_random, put, put_number
from pynats_bench.engine.histogram cimport record
from pynats_bench.engine.loop cimport EVENTS_MAX, Connection
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, clock_ns, epoll_event
from pynats_bench.engine.receiving cimport ReceivingLoop
from pynats_bench.engine.scan cimport Message, mix

cdef enum:
    SEND_ROOM = 65536
    REQUEST_MAX = 8192
    NUMBERS_ROOM = 64
    HEADERS_MIN = 12   # `NATS/1.0` and two ends of lines


def sequence_digest(uint64_t requests, uint64_t first, uint64_t stride, uint64_t span,
                    uint64_t batch=1):
    """The sum that answers to `requests` requests amount to, see GetLoop."""
    cdef uint64_t total = 0, number, at
    for number in range(first, first + requests):
        for at in range(batch):
            total += mix(1 + number * stride % span + at)
    return total


cdef struct Getter:
    const char *inbox
    size_t inbox_len
    uint64_t offset
    uint64_t random
    uint64_t asked           # requests
    uint64_t answered
    uint64_t asked_messages
    uint64_t asking          # messages that the request in flight is for
    uint64_t in_answer       # of them, so many came
    uint64_t number          # the last that was asked for
    uint64_t last_sequence
    int64_t sent_ns
    bint finished


cdef class GetLoop(ReceivingLoop):
    """Gets each socket's share of messages (`want`), with at most `window` requests in flight.

    A request is for `subject`; the number stands behind it, or if `body` has pieces between
    the first two of them, and the size of a batch between the second and the third. `inboxes` are
    the reply subjects, to which the sockets are subscribed. `what` names in errors what is asked
    for; a %llu in it becomes its number, and `missing` is what then is said of one that is not
    there. `size` is that of every payload, -1 any;
    `width` the digits of a number, at least. See above for the rest; `span` 0 is no limit.
    """

    cdef bytes subject
    cdef bytes before
    cdef bytes after
    cdef bytes end
    cdef bytes what_text
    cdef bytes missing_text
    cdef const char *pieces[4]
    cdef size_t lengths[4]
    cdef const char *what
    cdef const char *missing
    cdef Getter *getters
    cdef uint64_t window
    cdef uint64_t base
    cdef uint64_t stride
    cdef uint64_t span
    cdef uint64_t batch
    cdef bint randomized
    cdef bint follow
    cdef bint direct
    cdef bint keys
    cdef int width
    cdef int64_t size
    cdef char out[SEND_ROOM]
    cdef int open_getters
    cdef readonly uint64_t short_batches
    cdef readonly uint64_t digest

    def __init__(self, list sockets, bytes subject, list inboxes, tuple body=(), uint64_t window=1,
                 uint64_t base=0, list offsets=None, uint64_t stride=1, uint64_t span=0,
                 int64_t size=-1, uint64_t batch=0, bint randomized=False, list seeds=None,
                 bint follow=False, bint direct=True, bint keys=False, int width=PLAIN,
                 bytes what=b"getting a message", bytes missing=b"message not found (10037)"):
        cdef Getter *getter
        cdef bytes inbox, piece
        cdef int index
        if len(inboxes) != len(sockets):
            raise ValueError("one inbox per socket")
        if not window or (body and len(body) != 3) or (batch and not body):
            raise ValueError("a window, and a body of three pieces or none")
        if (randomized and not (span and seeds)) or (follow and (window > 1 or not batch)):
            raise ValueError("random numbers need a span and seeds, who follows a batch and no window")
        if len(subject) + sum(map(len, body)) + max(map(len, inboxes)) + NUMBERS_ROOM > REQUEST_MAX:
            raise ValueError("the request is too long")
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.getters = <Getter *>PyMem_Calloc(self.count, sizeof(Getter))
        if self.getters == NULL:
            raise MemoryError
        self.owned.append(inboxes)
        self.subject = subject
        self.before, self.after, self.end = body or (b"", b"", b"")
        self.what_text = what
        self.missing_text = missing
        self.what = self.what_text
        self.missing = self.missing_text
        for index, piece in enumerate((self.subject, self.before, self.after, self.end)):
            self.pieces[index] = piece
            self.lengths[index] = len(piece)
        self.window = window
        self.base = base
        self.stride = stride
        self.span = span
        self.batch = batch
        self.randomized = randomized
        self.follow = follow
        self.direct = direct
        self.keys = keys
        self.width = width
        self.size = size
        for index in range(self.count):
            getter = &self.getters[index]
            inbox = inboxes[index]
            getter.inbox = inbox
            getter.inbox_len = len(inbox)
            getter.offset = offsets[index] if offsets else 0
            getter.random = seeds[index] | 1 if seeds else 1
            getter.last_sequence = base - 1

    def __dealloc__(self):
        PyMem_Free(self.getters)

    @property
    def messages(self):
        """Of all sockets."""
        return sum([self.connections[index].messages for index in range(self.count)])

    @property
    def answered(self):
        """Requests, of all sockets."""
        return sum([self.getters[index].answered for index in range(self.count)])

    cdef uint64_t next_number(self, Getter *getter) noexcept nogil:
        cdef uint64_t number = (getter.offset + getter.asked) * self.stride
        if self.follow:
            return getter.last_sequence + 1
        if self.randomized:
            return self.base + next_random(&getter.random) % self.span
        return self.base + (number % self.span if self.span else number)

    cdef char *write(self, Getter *getter, char *at) noexcept nogil:
        """Writes the next request."""
        cdef char body[REQUEST_MAX]
        cdef char *end = body
        cdef bint in_body = self.lengths[1] > 0
        getter.number = self.next_number(getter)
        if in_body:
            end = put(end, self.pieces[1], self.lengths[1])
            end = put(put_number(end, getter.number, self.width), self.pieces[2], self.lengths[2])
            if self.batch:
                end = put_number(end, getter.asking)
            end = put(end, self.pieces[3], self.lengths[3])
        at = put(put(at, b"PUB ", 4), self.pieces[0], self.lengths[0])
        if not in_body:
            at = put_number(at, getter.number, self.width)
        at[0] = 32
        at = put(at + 1, getter.inbox, getter.inbox_len)
        at[0] = 32
        at = put(put_number(at + 1, end - body), b"\r\n", 2)
        return put(put(at, body, end - body), b"\r\n", 2)

    cdef bint ask(self, Connection *connection, Getter *getter) noexcept nogil:
        """Sends what window and pace let through."""
        cdef char *at = self.out
        cdef int64_t now = 0
        while (getter.asked - getter.answered < self.window
               and (connection.wanted == 0 or getter.asked_messages < connection.wanted)
               and at <= self.out + SEND_ROOM - REQUEST_MAX):
            if now == 0:
                now = clock_ns(CLOCK_MONOTONIC)
            if self.allowance(connection, now) == 0:
                connection.waiting = True
                break
            getter.asking = self.batch if self.batch else 1
            if connection.wanted:
                getter.asking = min(getter.asking, connection.wanted - getter.asked_messages)
            self.began(connection, now, getter.asking)
            getter.asked_messages += getter.asking
            at = self.write(getter, at)
            getter.asked += 1
            getter.sent_ns = now
            if connection.first_ns == 0:
                connection.first_ns = now
        if at > self.out and self.transmit_all(connection, self.out, at - self.out) != 0:
            self.unsent(connection)
            return False
        return True

    cdef bint turn(self, Connection *connection, int index) noexcept nogil:
        return self.ask(connection, &self.getters[index])

    cdef bint refuse(self, Connection *connection, Getter *getter, const char *reason,
                     const char *at, size_t size) noexcept nogil:
        """Ends the run: what was asked for, and the reason; or if `at` is given what it says."""
        cdef char text[400]
        cdef char what[200]
        cdef size_t shown = 0
        while shown < size and shown < 200 and at[shown] != 13:
            shown += 1
        snprintf(what, sizeof(what), self.what, <unsigned long long>getter.number)
        if reason == NULL:
            describe(text, sizeof(text), what, at, shown)
        elif shown:
            snprintf(text, sizeof(text), b"%s: %s: %.*s", what, reason, <int>shown, at)
        else:
            snprintf(text, sizeof(text), b"%s: %s", what, reason)
        self.fail_at(connection, text, 0)
        return False

    cdef void over(self, Connection *connection, Getter *getter, int64_t now) noexcept nogil:
        """A request has been answered."""
        getter.answered += 1
        getter.in_answer = 0
        if self.window == 1 and connection.operations != NULL:
            record(connection.operations, now - getter.sent_ns, 1)
        if connection.wanted and getter.answered == getter.asked and (
                getter.asked_messages >= connection.wanted):
            getter.finished = True
            self.open_getters -= 1

    cdef bint take(self, Connection *connection, int index, const char *at, Message *message,
                   int64_t now) noexcept nogil:
        """One message of an answer."""
        cdef Getter *getter = &self.getters[index]
        cdef const char *content = at + message.head_len
        cdef const char *stop = content + message.size
        cdef const char *end = NULL
        cdef const char *cursor
        cdef uint64_t sequence = 0
        if getter.answered == getter.asked:
            return self.refuse(connection, getter, b"an answer too many", at, message.head_len)
        if at[0] == 72 and message.size >= HEADERS_MIN:
            end = find(content, message.size, b"\r\n\r\n", 4)
        if end == NULL and not (at[0] == 77 and not self.direct):
            return self.refuse(connection, getter, b"an answer without headers", content, message.size)
        if end == NULL:
            return self.take_json(connection, getter, content, message.size, now)
        if memcmp(content, b"NATS/1.0\r\n", 10) != 0:
            return self.take_status(connection, getter, content, message.size, now)
        cursor = find(content, end - content, b"Nats-Sequence: ", 15)
        if cursor == NULL:
            return self.refuse(connection, getter, b"an answer without a sequence", content, 0)
        if self.size >= 0 and stop - end != self.size:
            return self.refuse(connection, getter, b"an answer of another size", content, 0)
        if self.follow and getter.in_answer == getter.asking:
            return self.refuse(connection, getter, b"an answer too many", content, 0)
        if self.keys and find(content, end - content, b"KV-Operation: ", 14) != NULL:
            return self.refuse(connection, getter, self.missing, content, 0)   # deleted
        while 48 <= cursor[0] <= 57:
            sequence = sequence * 10 + <uint64_t>(cursor[0] - 48)
            cursor += 1
        self.digest += mix(sequence)
        getter.last_sequence = sequence
        self.came(connection, getter, stop - end, now)
        return True

    cdef void came(self, Connection *connection, Getter *getter, size_t size, int64_t now) noexcept nogil:
        connection.messages += 1
        connection.payload_bytes += size
        connection.last_ns = now
        if self.batch:
            getter.in_answer += 1
        else:
            self.over(connection, getter, now)

    cdef bint take_status(self, Connection *connection, Getter *getter, const char *content,
                          size_t size, int64_t now) noexcept nogil:
        """An answer that is no message: the end of a batch, or why there is none."""
        if memcmp(content, b"NATS/1.0 204", 12) == 0 and self.batch:
            if not self.follow and getter.in_answer != self.batch:
                return self.refuse(connection, getter, b"a batch ended early", content, 0)
            if getter.in_answer < getter.asking:
                if getter.in_answer == 0:
                    return self.refuse(connection, getter, self.missing, content, 0)
                self.short_batches += 1
                getter.asked_messages -= getter.asking - getter.in_answer
            self.over(connection, getter, now)
            return True
        if memcmp(content, b"NATS/1.0 404", 12) == 0:
            return self.refuse(connection, getter, self.missing, content, 0)
        if memcmp(content, b"NATS/1.0 503", 12) == 0:
            return self.refuse(
                connection, getter, b"no responders available for request", content, 0)
        return self.refuse(connection, getter, b"the server refused a get", content, size)

    cdef bint take_json(self, Connection *connection, Getter *getter, const char *content,
                        size_t size, int64_t now) noexcept nogil:
        """The message in base 64, or an error."""
        cdef const char *end = content + size
        cdef const char *data
        cdef size_t length = 0
        # An error comes without a message, and a message could contain anything.
        if find(content, size, b'"message"', 9) == NULL:
            if find(content, size, b'"err_code":10037', 16) != NULL:
                return self.refuse(connection, getter, self.missing, content, 0)
            return self.refuse(connection, getter, NULL, content, size)
        data = find(content, size, b'"data":"', 8)
        if data != NULL:
            while data + length < end and data[length] != 34:
                length += 1
            while length and data[length - 1] == 61:
                length -= 1
        self.came(connection, getter, length * 3 // 4, now)
        return True

    cdef bint malformed(
        self, Connection *connection, int index, const char *at, size_t size
    ) noexcept nogil:
        return self.refuse(connection, &self.getters[index], b"a malformed answer", at, size)

    cdef void silent(self, int index) noexcept nogil:
        cdef char text[400]
        snprintf(text, sizeof(text),
                 b"%llu of %llu gets answered, then nothing more for %.3g seconds",
                 <unsigned long long>self.getters[index].answered,
                 <unsigned long long>self.getters[index].asked, self.stall_ns / 1e9)
        self.fail_at(&self.connections[index], text, 0)

    cdef bint overdue(self, int index, int64_t now) noexcept nogil:
        cdef Getter *getter = &self.getters[index]
        return (
            getter.answered < getter.asked
            and now - max(getter.sent_ns, self.connections[index].last_ns) > self.stall_ns
        )

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef Connection *connection
        cdef int ready, at, index
        self.open_getters = self.count
        self.first_ns = self.checked_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            if not self.ask(&self.connections[index], &self.getters[index]):
                return
        while self.open_getters and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                index = 0
                while index < self.count - 1 and self.getters[index].finished:
                    index += 1
                self.silent(index)
                return
            if ready:
                self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            for at in range(ready):
                index = <int>events[at].data.u64
                connection = &self.connections[index]
                if not (self.pull(connection, index) and self.answer_pings(connection)
                        and self.ask(connection, &self.getters[index])):
                    return
            if not self.take_turns() or not self.check_silence():
                return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
