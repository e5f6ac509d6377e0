"""The acknowledged publisher: windows of JetStream publishes in flight, every PubAck checked.

Theory of operation. A *unit* is what one PubAck answers: one message, or one atomic batch. Each
connection has a lane: its frames, its reply subjects (`<reply><number of the unit>`, under one
wildcard subscription) and its window of units without acknowledgement. What the window and the pace
let through is written into the lane's buffer and leaves with one `send`, so that the cost falls as
acknowledgements arrive in groups; a large payload is not copied but sent from where it is.

A window slides, or with `whole` is sent whole and acknowledged whole before the next (what client
libraries do who publish a batch and wait for it). Then, and with a window of one, that is an
operation whose time is measured, without the time in which the pace held it up.

Each unit is acknowledged once, without an error. Where a stream has one publisher, the
acknowledgement of unit n must also carry exactly the sequence base + (n + 1) * batch.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memset

from pynats_bench.engine.answers cimport Ack, describe, find, read_ack
from pynats_bench.engine.frames cimport Frames, bump, put, put_number
from pynats_bench.engine.histogram cimport record
from pynats_bench.engine.loop cimport EVENTS_MAX, SEND_BYTES, Connection
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, EPOLLIN, EPOLLOUT, clock_ns, epoll_event
from pynats_bench.engine.receiving cimport ReceivingLoop
from pynats_bench.engine.scan cimport Message

cdef enum:
    UNIT_DIGITS = 10
    LARGE_BYTES = 16384      # a payload from here on is not copied into the lane's buffer

cdef uint64_t UNIT_NUMBERS = 10000000000   # the numbers begin anew


cdef class AckPublishLoop(ReceivingLoop):
    """Publishes over sockets that are subscribed to their replies, each its share (`want`).

    `replies` are the reply subjects without their numbers, `firsts` the numbers of the first
    messages, for subjects and ids. `window` units of `batch` messages are in flight on each socket;
    `whole`: see above. With `message_ids` each message has the id `<its client's><number>` for
    deduplication, with `batch_ids` a unit is an atomic batch of the id `<its client's><number>`.
    `base` is the last sequence of a stream that nobody else publishes to, or -1. `seeds` begin the
    random numbers of randomized subjects.
    """

    def __init__(self, list sockets, Frames frames, list replies, uint64_t window=1,
                 bint whole=False, uint64_t batch=1, list firsts=None, list message_ids=None,
                 list batch_ids=None, list seeds=None, int64_t base=-1):
        cdef Lane *lane
        cdef bytes text
        cdef int index
        if len(replies) != len(sockets):
            raise ValueError("one reply subject per socket")
        if not window or not batch or window > 1 << 32:
            raise ValueError("window and batch are at least 1")
        for some in (firsts, message_ids, batch_ids, seeds):
            if some is not None and len(some) != len(sockets):
                raise ValueError("one value per socket")
        if frames.randomized and seeds is None:
            raise ValueError("random numbers need seeds")
        if batch > 1 and batch_ids is None:
            raise ValueError("a batch has an id")
        self.attach(sockets, b"MSG ", 0, EPOLLIN)
        self.owned.append((replies, message_ids, batch_ids))
        self.lanes = <Lane *>PyMem_Calloc(self.count, sizeof(Lane))
        if self.lanes == NULL:
            raise MemoryError
        self.frames = frames
        self.window = window
        self.whole = whole or window == 1
        self.batch = batch
        self.base = base
        self.alike = batch == 1 and message_ids is None and batch_ids is None and not (
            frames.headers_len or frames.randomized) and (
            frames.width < 0 or 0 < frames.modulus <= 10 ** <object>frames.width)
        self.large = frames.body_len > LARGE_BYTES
        self.ring = 1
        while self.ring < (window if self.whole else 2 * window):
            self.ring *= 2
        for index in range(self.count):
            if len(replies[index]) > REPLY_ROOM - REPLY_TAIL:
                raise ValueError("a reply subject that long is not for a benchmark")
            self.out_size = max(
                self.out_size, SEND_BYTES + frames.head_max + REPLY_ROOM
                + (0 if self.large else frames.body_len)
                + (len(message_ids[index]) if message_ids else 0)
                + (len(batch_ids[index]) if batch_ids else 0))
        for index in range(self.count):
            lane = &self.lanes[index]
            text = replies[index]
            lane.reply = text
            lane.reply_len = len(text)
            lane.author.first = firsts[index] if firsts else 0
            lane.author.random = seeds[index] | 1 if seeds else 1
            if message_ids:
                text = message_ids[index]
                lane.author.message_id = text
                lane.author.message_id_len = len(text)
            if batch_ids:
                text = batch_ids[index]
                lane.author.batch_id = text
                lane.author.batch_id_len = len(text)
            lane.round_end = window
            lane.out = <char *>calloc(1, self.out_size)
            lane.image = <char *>calloc(1, self.out_size - SEND_BYTES)
            lane.seen = <unsigned char *>calloc(1, self.ring)
            if lane.out == NULL or lane.image == NULL or lane.seen == NULL:
                raise MemoryError

    def __dealloc__(self):
        cdef int index
        if self.lanes != NULL:
            for index in range(self.count):
                free(self.lanes[index].out)
                free(self.lanes[index].image)
                free(self.lanes[index].seen)
        PyMem_Free(self.lanes)

    @property
    def acknowledged(self):
        """Units, of all sockets."""
        return sum([self.lanes[index].acknowledged for index in range(self.count)])

    # -- what may be sent, and how -----------------------------------------------------------

    cdef bint ready(self, Connection *connection, Lane *lane) noexcept nogil:
        """Whether the window lets the next message through."""
        if connection.wanted and lane.written == connection.wanted:
            return False
        if lane.in_unit:
            return True
        if self.whole:
            return lane.sent < lane.round_end
        return (lane.sent - lane.acknowledged < self.window
                and lane.sent - lane.oldest < self.ring)

    cdef char *write(self, Connection *connection, Lane *lane, char *at, int64_t *now) noexcept nogil:
        """Writes the next message without its body. `now` may still be 0: not asked."""
        cdef uint64_t place = lane.in_unit + 1
        cdef bint last = place == self.batch or lane.written + 1 == connection.wanted
        cdef char reply[REPLY_ROOM]
        cdef size_t reply_len = 0
        cdef char *end
        if lane.in_unit == 0 and (
                lane.sent == lane.acknowledged
                or self.whole and lane.sent + self.window == lane.round_end):
            if now[0] == 0:
                now[0] = clock_ns(CLOCK_MONOTONIC)
            if lane.sent == lane.acknowledged:
                lane.moved_ns = now[0]
            if lane.sent + self.window == lane.round_end:
                lane.starts[0] = now[0]
        if self.alike and lane.image_len:
            lane.written += 1
            lane.sent += 1
            at = put(at, lane.image, lane.image_len)
            self.write_next(lane)
            return at
        if last:
            reply_len = put_number(
                put(reply, lane.reply, lane.reply_len), lane.sent % UNIT_NUMBERS,
                UNIT_DIGITS) - reply
        end = self.frames.head(
            at, &lane.author, lane.written, reply, reply_len, lane.sent, place, last, False)
        if self.alike:
            lane.image_len = end - at
            lane.image_number = (lane.author.first + lane.written) % max(
                self.frames.modulus, <uint64_t>1)
            put(lane.image, at, lane.image_len)
            self.write_next(lane)
        lane.written += 1
        lane.in_unit = 0 if last else place
        if last:
            lane.sent += 1
        return end

    cdef void write_next(self, Lane *lane) noexcept nogil:
        """Makes the image that of the message after it."""
        cdef char *subject = lane.image + 4 + self.frames.subject_len
        cdef int width = max(self.frames.width, 0)
        cdef char *reply = subject + width + 1 + lane.reply_len
        cdef int digit = UNIT_DIGITS - 1
        # The number of a unit begins anew behind its last.
        while digit > 0 and reply[digit] == 57:
            reply[digit] = 48
            digit -= 1
        reply[digit] = 48 if reply[digit] == 57 else reply[digit] + 1
        if not width:
            return
        lane.image_number += 1
        if lane.image_number < self.frames.modulus:
            bump(subject + width - 1)
        else:
            lane.image_number = 0
            memset(subject, 48, width)

    cdef bint fill(self, Connection *connection, Lane *lane) noexcept nogil:
        """Writes what may be sent now. False: nothing."""
        cdef char *at = lane.out
        cdef int64_t now = 0
        cdef uint64_t allowed = 0
        lane.position = 0
        self.frames.stamp()
        while at < lane.out + SEND_BYTES and self.ready(connection, lane):
            if self.paced:
                if not allowed:
                    now = clock_ns(CLOCK_MONOTONIC)
                    allowed = self.allowance(connection, now)
                    if not allowed:
                        connection.waiting = True
                        if lane.held_ns == 0:
                            lane.held_ns = now
                        break
                    if lane.held_ns:
                        self.let_go(lane, now)
                allowed -= 1
                self.began(connection, now, 1)
            at = self.write(connection, lane, at, &now)
            if lane.committed:
                break
            if self.large:
                lane.body_left = self.frames.body_len
                break
            at = put(at, self.frames.body_at, self.frames.body_len)
        lane.filled = at - lane.out
        if lane.filled and connection.first_ns == 0:
            connection.first_ns = now if now else clock_ns(CLOCK_MONOTONIC)
        return lane.filled > 0

    cdef void let_go(self, Lane *lane, int64_t now) noexcept nogil:
        """The pace lets the lane go on: what is under way has not taken that long."""
        cdef uint64_t operation
        for operation in range(lane.done, lane.operation + 1):
            lane.starts[operation & (STARTS - 1)] += now - lane.held_ns
        lane.held_ns = 0

    cdef bint push(self, Connection *connection, int index) noexcept nogil:
        """Sends until window, pace or socket stop it."""
        cdef Lane *lane = &self.lanes[index]
        cdef ssize_t done
        while (lane.position < lane.filled or lane.body_left or self.fill(connection, lane)):
            if lane.position < lane.filled:
                done = self.transmit(
                    connection, lane.out + lane.position, lane.filled - lane.position)
            else:
                done = self.transmit(
                    connection, self.frames.body_at + self.frames.body_len - lane.body_left,
                    lane.body_left)
            if done < 0:
                if errno == EINTR:
                    continue
                if errno != EAGAIN:
                    self.unsent(connection)
                    return False
                if not connection.flushing:
                    connection.flushing = True
                    return self.watch(connection, index, EPOLLIN | EPOLLOUT)
                return True
            if connection.flushing:   # a large message on a slow line is no silence
                lane.moved_ns = self.progress_ns
            if lane.position < lane.filled:
                lane.position += done
            else:
                lane.body_left -= done
        if connection.secure != NULL and self.transmit_all(connection, NULL, 0) != 0:
            self.unsent(connection)
            return False
        if connection.flushing:
            connection.flushing = False
            return self.watch(connection, index, EPOLLIN)
        return True

    cdef bint turn(self, Connection *connection, int index) noexcept nogil:
        return self.push(connection, index)

    # -- what comes back ---------------------------------------------------------------------

    cdef bint refuse(self, Connection *connection, const char *what, const char *at, size_t size) noexcept nogil:
        cdef char text[400]
        describe(text, sizeof(text), what, at, size)
        self.fail_at(connection, text, 0)
        return False

    cdef void finish(self, Lane *lane) noexcept nogil:
        if not lane.finished:
            lane.finished = True
            self.open_lanes -= 1

    cdef void counted(self, Connection *connection, uint64_t messages, int64_t now) noexcept nogil:
        connection.messages += messages
        connection.payload_bytes += messages * (self.frames.body_len - 2)
        connection.last_ns = now

    cdef void took(self, Connection *connection, Lane *lane, int64_t now) noexcept nogil:
        """The oldest operation is over."""
        if connection.operations != NULL:
            record(connection.operations, now - lane.starts[lane.done & (STARTS - 1)], 1)

    cdef bint owed(self, Lane *lane) noexcept nogil:
        """Whether the server has yet to answer."""
        return lane.sent > lane.acknowledged

    cdef bint take(self, Connection *connection, int index, const char *at, Message *message,
                   int64_t now) noexcept nogil:
        if at[0] == 77:
            return self.acknowledge(connection, &self.lanes[index], at, message, now)
        if find(at + message.head_len, message.size, b"NATS/1.0 503", 12) != NULL:
            self.fail_at(connection, b"no response from stream", 0)
            return False
        return self.refuse(
            connection, b"an answer with headers", at + message.head_len, message.size)

    cdef bint acknowledge(self, Connection *connection, Lane *lane, const char *at,
                          Message *message, int64_t now) noexcept nogil:
        """Checks one acknowledgement against the unit it answers."""
        cdef const char *subject = at + 4
        cdef const char *payload = at + message.head_len
        cdef uint64_t unit = 0, end, messages
        cdef size_t digit
        cdef char text[400]
        cdef Ack ack
        if (message.head_len < 4 + lane.reply_len + UNIT_DIGITS + 5
                or memcmp(subject, lane.reply, lane.reply_len) != 0
                or subject[lane.reply_len + UNIT_DIGITS] != 32):
            return self.refuse(
                connection, b"a message that is no acknowledgement", at, message.head_len - 2)
        for digit in range(lane.reply_len, lane.reply_len + UNIT_DIGITS):
            if not 48 <= subject[digit] <= 57:
                return self.refuse(
                    connection, b"a message that is no acknowledgement", at, message.head_len - 2)
            unit = unit * 10 + <uint64_t>(subject[digit] - 48)
        ack = read_ack(payload, message.size)
        if ack.error:
            return self.refuse(connection, b"publishing", payload, message.size)
        if ack.sequence == 0:
            return self.refuse(
                connection, b"an answer that is no acknowledgement", payload, message.size)
        if ack.duplicate:
            if self.base >= 0:
                return self.refuse(connection, b"the server took a publish for a duplicate",
                                   payload, message.size)
            self.duplicates += 1
        unit = lane.oldest + (unit + UNIT_NUMBERS - lane.oldest % UNIT_NUMBERS) % UNIT_NUMBERS
        if unit >= lane.sent or lane.seen[unit & (self.ring - 1)]:
            return self.refuse(
                connection, b"an acknowledgement too many", at, message.head_len - 2)
        end = (unit + 1) * self.batch
        if connection.wanted and end > connection.wanted:
            end = connection.wanted
        messages = end - unit * self.batch
        if lane.author.batch_id != NULL and ack.count != messages:
            snprintf(text, sizeof(text), b"not committed as a batch of %llu: %.*s",
                     <unsigned long long>messages, <int>min(message.size, <uint64_t>200), payload)
            self.fail_at(connection, text, 0)
            return False
        if self.base >= 0 and ack.sequence != self.base + end:
            snprintf(text, sizeof(text), b"publish %llu was to end at sequence %llu: %.*s",
                     <unsigned long long>unit, <unsigned long long>(self.base + end),
                     <int>min(message.size, <uint64_t>200), payload)
            self.fail_at(connection, text, 0)
            return False
        lane.seen[unit & (self.ring - 1)] = 1
        while lane.oldest < lane.sent and lane.seen[lane.oldest & (self.ring - 1)]:
            lane.seen[lane.oldest & (self.ring - 1)] = 0
            lane.oldest += 1
        lane.acknowledged += 1
        self.counted(connection, messages, now)
        if self.whole and (
                lane.acknowledged == lane.round_end or lane.acknowledged == lane.units):
            self.took(connection, lane, now)
            lane.round_end += self.window
        if lane.acknowledged == lane.units:
            self.finish(lane)
        return True

    cdef bint malformed(
        self, Connection *connection, int index, const char *at, size_t size
    ) noexcept nogil:
        return self.refuse(connection, b"malformed acknowledgement", at, size)

    # -- the run -----------------------------------------------------------------------------

    cdef void silent(self, int index) noexcept nogil:
        """The lane has not been answered for too long."""
        cdef Connection *connection = &self.connections[index]
        cdef Lane *lane = &self.lanes[index]
        cdef char text[400]
        if connection.wanted:
            snprintf(text, sizeof(text),
                     b"%llu of %llu publishes acknowledged, then nothing more for %.3g seconds",
                     <unsigned long long>lane.acknowledged, <unsigned long long>lane.units,
                     self.stall_ns / 1e9)
        else:
            snprintf(text, sizeof(text),
                     b"%llu publishes acknowledged, then nothing more for %.3g seconds",
                     <unsigned long long>lane.acknowledged, self.stall_ns / 1e9)
        self.fail_at(connection, text, 0)

    cdef bint overdue(self, int index, int64_t now) noexcept nogil:
        return self.owed(&self.lanes[index]) and now - self.lanes[index].moved_ns > self.stall_ns

    cdef void work(self) noexcept nogil:
        cdef epoll_event events[EVENTS_MAX]
        cdef Connection *connection
        cdef Lane *lane
        cdef int ready, at, index
        self.open_lanes = self.count
        self.first_ns = self.checked_ns = clock_ns(CLOCK_MONOTONIC)
        for index in range(self.count):
            connection = &self.connections[index]
            self.lanes[index].units = (connection.wanted + self.batch - 1) // self.batch
        for index in range(self.count):
            if not self.push(&self.connections[index], index):
                return
        while self.open_lanes and not self.failed and not self.stopping:
            ready = self.wait(events)
            if ready < 0:
                index = 0
                while index < self.count - 1 and not self.owed(&self.lanes[index]):
                    index += 1
                self.silent(index)
                return
            if ready:
                self.progress_ns = clock_ns(CLOCK_MONOTONIC)
            for at in range(ready):
                index = <int>events[at].data.u64
                connection = &self.connections[index]
                lane = &self.lanes[index]
                if events[at].events & ~<unsigned int>EPOLLOUT:
                    lane.moved_ns = self.progress_ns
                    if not self.pull(connection, index):
                        return
                # A PONG may only stand between frames.
                if (lane.position == lane.filled and not lane.body_left
                        and not self.answer_pings(connection)):
                    return
                if not self.push(connection, index):
                    return
            if not self.take_turns() or not self.check_silence():
                return
        self.last_ns = clock_ns(CLOCK_MONOTONIC)
