"""The acknowledged publisher: a window of JetStream publishes in flight, every PubAck checked.

Theory of operation. A *unit* is what one PubAck answers: one message, or one atomic batch. The
publisher replays a block of ready-made units; before a unit is sent its number is written, in
decimal digits of fixed width, into its reply subject (`_INBOX.<id>.<number>`, one wildcard
subscription for all) and its batch id, and the message number modulo the number of subjects into
each subject. Only that and its share of `send` is paid per message. Units whose turn the window
has reached leave with one `send`, so the cost falls as acknowledgements arrive in groups.

Where the stream has one publisher, the acknowledgement of unit n must carry exactly the sequence
base + (n + 1) * batch; each unit is acknowledged once. Any other answer ends the run.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcpy, memcmp

from pynats_bench.engine.histogram cimport Counts, quantile, record
from pynats_bench.engine.loop cimport SEND_BYTES, Connection, Loop
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, EPOLLOUT, clock_ns, epoll_event
from pynats_bench.engine.scan cimport Message, parse_message, scan_line, write_digits

from pynats_bench.model import LoadError

cdef enum:
    UNIT_DIGITS = 10
    SUBJECT_DIGITS = 7
    EVENTS = 8
    NO_VALUE = 0

UNIT_NUMBER_DIGITS = UNIT_DIGITS
SUBJECT_NUMBER_DIGITS = SUBJECT_DIGITS


cdef struct Ack:
    uint64_t sequence   # 0: none in it
    uint64_t count      # messages of a batch; 0: none in it
    bint error
    bint duplicate


cdef const char *find(const char *at, size_t size, const char *key, size_t length) noexcept nogil:
    """First place behind `key`, or NULL."""
    cdef const char *end = at + size
    while <size_t>(end - at) >= length:
        at = <const char *>memchr(at, key[0], end - at - length + 1)
        if at == NULL:
            return NULL
        if memcmp(at, key, length) == 0:
            return at + length
        at += 1
    return NULL


cdef uint64_t value_of(const char *at, size_t size, const char *key, size_t length) noexcept nogil:
    """The unsigned number behind `"key":`, 0 when there is none."""
    cdef const char *end = at + size
    cdef uint64_t value = 0
    at = find(at, size, key, length)
    if at == NULL:
        return NO_VALUE
    while at < end and at[0] == 32:
        at += 1
    while at < end and 48 <= at[0] <= 57:
        value = value * 10 + <uint64_t>(at[0] - 48)
        at += 1
    return value


cdef Ack read_ack(const char *at, size_t size) noexcept nogil:
    cdef Ack ack
    ack.error = find(at, size, b'"error"', 7) != NULL
    ack.duplicate = find(at, size, b'"duplicate"', 11) != NULL
    ack.sequence = value_of(at, size, b'"seq":', 6)
    ack.count = value_of(at, size, b'"count":', 8)
    return ack


def parse_ack(bytes data):
    """(sequence, batch count or 0) of a PubAck. LoadError when it is an error or a duplicate."""
    cdef Ack ack = read_ack(data, len(data))
    if ack.error or ack.duplicate or ack.sequence == 0:
        raise LoadError(f"the publish was refused: {data.decode('utf-8', 'replace')}")
    return ack.sequence, ack.count


cdef class AckPublishLoop(Loop):
    """Publishes `units` units over one socket with at most `window` unacknowledged.

    `block` holds ready-made units, `ends` the end offset of each. `unit_marks` are the offsets in
    `block` that take the unit's number, `unit_mark_ends` where in `unit_marks` each unit's end;
    `subject_marks` has none, or `batch` offsets a unit, that take a subject number below
    `subjects`. `reply_prefix` is the reply subject without its number. `base` is the stream's last
    sequence; with `shared` others publish, too, and sequences are anyone's. `first_message` continues the round of subjects where an earlier run left it.
    """

    cdef bytearray block
    cdef char *bytes_at
    cdef uint64_t[::1] ends
    cdef uint64_t[::1] unit_marks
    cdef uint64_t[::1] unit_mark_ends
    cdef uint64_t[::1] subject_marks
    cdef bytes prefix
    cdef const char *prefix_at
    cdef size_t prefix_len
    cdef uint64_t units
    cdef uint64_t window
    cdef uint64_t batch
    cdef uint64_t subjects
    cdef uint64_t base
    cdef bint shared
    cdef uint64_t first_message
    cdef uint64_t sent
    cdef size_t in_block
    cdef unsigned char *seen
    cdef Counts latency
    cdef readonly uint64_t acknowledged

    def __init__(self, object socket, bytearray block, uint64_t[::1] ends,
                 uint64_t[::1] unit_marks, uint64_t[::1] unit_mark_ends,
                 uint64_t[::1] subject_marks, bytes reply_prefix, uint64_t units, uint64_t window,
                 uint64_t batch, uint64_t subjects, uint64_t base, uint64_t first_message=0,
                 bint shared=False):
        cdef size_t count = ends.shape[0], at
        if count == 0 or ends[count - 1] != <uint64_t>len(block):
            raise ValueError("ends does not describe block")
        if <size_t>unit_mark_ends.shape[0] != count:
            raise ValueError("unit_mark_ends does not describe block")
        if unit_mark_ends[count - 1] != <uint64_t>unit_marks.shape[0]:
            raise ValueError("unit_mark_ends does not describe unit_marks")
        if subject_marks.shape[0] and <size_t>subject_marks.shape[0] != count * batch:
            raise ValueError("one subject mark per message")
        for at in range(<size_t>unit_marks.shape[0]):
            if unit_marks[at] + UNIT_DIGITS > <uint64_t>len(block):
                raise ValueError("unit_marks reach beyond block")
        for at in range(<size_t>subject_marks.shape[0]):
            if subject_marks[at] + SUBJECT_DIGITS > <uint64_t>len(block):
                raise ValueError("subject_marks reach beyond block")
        if not units or not window or not batch or not subjects:
            raise ValueError("units, window, batch and subjects are at least 1")
        if units >= 10 ** UNIT_DIGITS or subjects > 10 ** SUBJECT_DIGITS:
            raise ValueError("more units or subjects than their digits can count")
        self.attach([socket], b"MSG ", 0, EPOLLIN)
        self.block = block
        self.bytes_at = block
        self.ends = ends
        self.unit_marks = unit_marks
        self.unit_mark_ends = unit_mark_ends
        self.subject_marks = subject_marks
        self.prefix = reply_prefix
        self.prefix_at = reply_prefix
        self.prefix_len = len(reply_prefix)
        self.units = units
        self.window = window
        self.batch = batch
        self.subjects = subjects
        self.base = base
        self.first_message = first_message
        self.shared = shared
        self.seen = <unsigned char *>PyMem_Calloc(units // 8 + 1, 1)
        if self.seen == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.seen)

    cdef void mark(self, size_t at, uint64_t unit) noexcept nogil:
        """Write the numbers of `unit` into place `at` of the block."""
        cdef size_t mark, first = self.unit_mark_ends[at - 1] if at else 0
        cdef uint64_t message
        for mark in range(first, self.unit_mark_ends[at]):
            write_digits(self.bytes_at + self.unit_marks[mark], unit, UNIT_DIGITS)
        if self.subject_marks.shape[0]:
            message = self.first_message + unit * self.batch
            for mark in range(at * self.batch, (at + 1) * self.batch):
                write_digits(
                    self.bytes_at + self.subject_marks[mark], message % self.subjects,
                    SUBJECT_DIGITS)
                message += 1

    cdef bint prepare(self, Connection *connection) noexcept nogil:
        """Extend what may be sent by the units the window lets through. False: nothing to send."""
        cdef size_t count = self.ends.shape[0]
        if connection.position == connection.limit and self.in_block == count:
            connection.position = connection.limit = 0
            self.in_block = 0
        while (
            self.in_block < count
            and self.sent < self.units
            and self.sent - self.acknowledged < self.window
            and connection.limit - connection.position < SEND_BYTES
        ):
            self.mark(self.in_block, self.sent)
            connection.limit = self.ends[self.in_block]
            self.in_block += 1
            self.sent += 1
        return connection.position < connection.limit

    cdef bint push(self, Connection *connection) noexcept nogil:
        """Send until the window is full, the socket is full or all is sent."""
        cdef ssize_t done
        while self.prepare(connection):
            if self.window == 1 and connection.sent_ns == 0:
                connection.sent_ns = clock_ns(CLOCK_MONOTONIC)
            done = self.transmit(connection, self.bytes_at + connection.position,
                                 connection.limit - connection.position)
            if done < 0:
                if errno == EINTR:
                    continue
                if errno != EAGAIN:
                    self.fail(b"send", errno)
                    return False
                if not connection.flushing:
                    connection.flushing = True
                    return self.watch(connection, 0, EPOLLIN | EPOLLOUT)
                return True
            connection.position += done
        if connection.secure != NULL and self.transmit_all(connection, NULL, 0) != 0:
            self.fail(b"send", errno)
            return False
        if connection.flushing:
            connection.flushing = False
            return self.watch(connection, 0, EPOLLIN)
        return True

    cdef void refuse(self, const char *reason, const char *at, size_t size) noexcept nogil:
        snprintf(self.error, sizeof(self.error), b"%s: %.*s", reason, <int>min(size, <size_t>300), at)
        self.failed = True

    cdef bint take(self, const char *at, Message *message) noexcept nogil:
        """Check one acknowledgement against the unit it answers."""
        cdef const char *subject = at + 4
        cdef const char *payload = at + message.head_len
        cdef uint64_t unit = 0, wanted
        cdef size_t digit
        cdef Ack ack
        cdef int64_t now
        if (message.head_len < 4 + self.prefix_len + UNIT_DIGITS + 5
                or memcmp(subject, self.prefix_at, self.prefix_len) != 0
                or subject[self.prefix_len + UNIT_DIGITS] != 32):
            self.refuse(b"a message that is no acknowledgement", at, message.head_len - 2)
            return False
        for digit in range(self.prefix_len, self.prefix_len + UNIT_DIGITS):
            if not 48 <= subject[digit] <= 57:
                self.refuse(b"a message that is no acknowledgement", at, message.head_len - 2)
                return False
            unit = unit * 10 + <uint64_t>(subject[digit] - 48)
        ack = read_ack(payload, message.size)
        if ack.error:
            self.refuse(b"the server refused a publish", payload, message.size)
            return False
        if ack.duplicate:
            self.refuse(b"the server took a publish for a duplicate", payload, message.size)
            return False
        if unit >= self.sent or self.seen[unit >> 3] & (1 << (unit & 7)):
            self.refuse(b"an acknowledgement too many", at, message.head_len - 2)
            return False
        wanted = self.base + (unit + 1) * self.batch
        if self.batch > 1 and ack.count != self.batch:
            snprintf(self.error, sizeof(self.error), b"not committed as a batch of %llu: %.*s",
                     <unsigned long long>self.batch,
                     <int>min(message.size, <uint64_t>200), payload)
            self.failed = True
            return False
        if ack.sequence != wanted and not self.shared:
            snprintf(self.error, sizeof(self.error),
                     b"publish %llu was to end at sequence %llu: %.*s",
                     <unsigned long long>unit, <unsigned long long>wanted,
                     <int>min(message.size, <uint64_t>200), payload)
            self.failed = True
            return False
        self.seen[unit >> 3] |= 1 << (unit & 7)
        self.acknowledged += 1
        if self.window == 1:
            now = clock_ns(CLOCK_MONOTONIC)
            record(&self.latency, now - self.connections.sent_ns, 1)
            self.connections.sent_ns = 0
        return True

    cdef bint pull(self, Connection *connection) noexcept nogil:
        """Receive once and check every complete acknowledgement."""
        cdef ssize_t size = self.receive(connection)
        cdef size_t used = 0, line
        cdef Message message
        cdef const char *at
        cdef int state
        if size <= 0:
            return size == 0
        while used < <size_t>size:
            at = self.buffer + used
            if size - used >= 4 and at[0] == 77:    # M
                state = parse_message(at, size - used, &message)
                if state < 0:
                    self.refuse(b"malformed acknowledgement", at, size - used)
                    return False
                if state == 0 or size - used < message.head_len + message.size + 2:
                    break
                if not self.take(at, &message):
                    return False
                used += message.head_len + message.size + 2
            elif size - used >= 4 and at[0] == 72:  # H
                if find(at, size - used, b"\r\n\r\n", 4) == NULL:
                    break
                if find(at, size - used, b"NATS/1.0 503", 12) != NULL:
                    self.fail(b"no stream takes the messages (503 no responders)", 0)
                else:
                    self.refuse(b"an answer with headers", at, size - used)
                return False
            else:
                line = scan_line(&connection.scanner, at, size - used)
                if connection.scanner.failed:
                    self.fail(connection.scanner.error, 0)
                    return False
                if line == 0:
                    break
                used += line
        self.keep(connection, used, size)
        return not self.failed

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS]
        cdef Connection *connection = self.connections
        cdef int ready
        self.first_ns = clock_ns(CLOCK_MONOTONIC)
        if not self.push(connection):
            return
        while self.acknowledged < self.units and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                snprintf(self.error, sizeof(self.error),
                         b"%llu of %llu publishes acknowledged, then nothing more",
                         <unsigned long long>self.acknowledged, <unsigned long long>self.units)
                self.failed = True
                return
            if not ready:
                continue
            self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            if events[0].events & ~<unsigned int>EPOLLOUT and not self.pull(connection):
                return
            # A PONG may only stand between frames.
            if connection.position == connection.limit and not self.answer_pings(connection):
                return
            if not self.push(connection):
                return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)

    def quantile_ns(self, double fraction):
        """Time from publish to acknowledgement that `fraction` did not exceed; window 1 only."""
        return quantile(&self.latency, fraction)
