"""The publisher of fast batches: all messages of a client are one batch with few acknowledgements.

Theory of operation. The server is told in each message's reply subject what it is
(`<reply><sequence>.<operation>.$FI`, where <reply> has the batch's id, the messages to an
acknowledgement and what a gap means); it acknowledges cumulatively after so many messages, and may
ask for fewer. A client sends the first message, waits for its answer, and then is at most
`outstanding` acknowledgements ahead. A last message without content ends the batch; its PubAck must
count every message.

An operation, whose time is measured, are `outstanding` times `flow` messages: from the first's
writing to the acknowledgement that covers the last.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp

from pynats_bench.engine.acked cimport REPLY_ROOM, STARTS, AckPublishLoop, Lane
from pynats_bench.engine.answers cimport Ack, find, read_ack, value_of
from pynats_bench.engine.frames cimport Frames, put, put_number
from pynats_bench.engine.loop cimport Connection
from pynats_bench.engine.net cimport CLOCK_MONOTONIC, clock_ns
from pynats_bench.engine.scan cimport Message

cdef enum:
    START = 0
    APPEND = 1
    COMMIT_WITHOUT = 3   # this message only ends the batch
    FLOW_MAX = 65535


cdef class FastPublishLoop(AckPublishLoop):
    """One fast batch on each socket; see `AckPublishLoop` for the rest."""

    cdef uint64_t asked_flow
    cdef uint64_t outstanding

    def __init__(self, list sockets, Frames frames, list replies, uint64_t flow,
                 uint64_t outstanding=1, list firsts=None, list message_ids=None, list seeds=None):
        cdef int index
        if not 1 <= flow <= FLOW_MAX or not outstanding:
            raise ValueError("a flow of 1 to 65535 messages, and an acknowledgement outstanding")
        AckPublishLoop.__init__(
            self, sockets, frames, replies, firsts=firsts, message_ids=message_ids, seeds=seeds)
        self.asked_flow = flow
        self.outstanding = outstanding
        for index in range(self.count):
            self.lanes[index].flow = flow

    cdef bint ready(self, Connection *connection, Lane *lane) noexcept nogil:
        if lane.written == 0:
            return True
        if not lane.begun or lane.committed:
            return False
        if lane.written == connection.wanted:
            return True
        return lane.written < lane.covered + lane.flow * self.outstanding

    cdef char *write(self, Connection *connection, Lane *lane, char *at, int64_t *now) noexcept nogil:
        cdef uint64_t size = self.asked_flow * self.outstanding, message = lane.written
        cdef int operation = APPEND if message else START
        cdef char reply[REPLY_ROOM]
        cdef char *end
        lane.committed = message and message == connection.wanted
        if lane.committed:
            operation = COMMIT_WITHOUT
        elif message % size == 0:
            if now[0] == 0:
                now[0] = clock_ns(CLOCK_MONOTONIC)
            lane.operation = message // size
            lane.starts[lane.operation & (STARTS - 1)] = now[0]
        if lane.covered == message:
            lane.moved_ns = now[0] if now[0] else clock_ns(CLOCK_MONOTONIC)
        end = put_number(put(reply, lane.reply, lane.reply_len), message + 1)
        end[0] = 46
        end = put(put_number(end + 1, operation), b".$FI", 4)
        # The end goes to the subject of the first message.
        at = self.frames.head(at, &lane.author, 0 if lane.committed else message, reply,
                              end - reply, 0, 0, False, lane.committed)
        if lane.committed:
            return put(at, b"\r\n", 2)
        lane.written += 1
        return at

    cdef bint owed(self, Lane *lane) noexcept nogil:
        """A pace may hold the messages up that an acknowledgement waits for."""
        return not lane.finished and lane.held_ns == 0 and (
            lane.committed or not lane.begun
            or lane.written >= lane.covered + lane.flow * self.outstanding)

    cdef bint advance(self, Connection *connection, Lane *lane, uint64_t covered, int64_t now) noexcept nogil:
        """The server has stored the first `covered` messages."""
        cdef uint64_t size = self.asked_flow * self.outstanding
        if covered < lane.covered or covered > lane.written:
            self.fail_at(connection, b"an acknowledgement of messages that were not sent", 0)
            return False
        self.counted(connection, covered - lane.covered, now)
        lane.covered = lane.acknowledged = covered
        while (lane.done + 1) * size <= covered or (
                covered == connection.wanted and lane.done * size < covered):
            self.took(connection, lane, now)
            lane.done += 1
        return True

    cdef bint acknowledge(self, Connection *connection, Lane *lane, const char *at,
                          Message *message, int64_t now) noexcept nogil:
        cdef const char *payload = at + message.head_len
        cdef uint64_t flow
        cdef Ack ack
        if (message.head_len < 4 + lane.reply_len
                or memcmp(at + 4, lane.reply, lane.reply_len) != 0):
            return self.refuse(
                connection, b"a message that is no acknowledgement", at, message.head_len - 2)
        ack = read_ack(payload, message.size)
        if ack.error:
            return self.refuse(connection, b"publishing", payload, message.size)
        if find(payload, message.size, b'"type":"ack"', 12) != NULL:
            lane.begun = True
            flow = value_of(payload, message.size, b'"msgs":', 7)
            if flow:
                lane.flow = flow
            return self.advance(connection, lane, ack.sequence, now)
        if ack.count == 0:
            return self.refuse(connection, b"the server ended the batch", payload, message.size)
        if ack.sequence == 0:   # no message of it has one
            self.duplicates += ack.count
        if not lane.committed or ack.count != connection.wanted:
            return self.refuse(connection, b"the batch ended early", payload, message.size)
        if not self.advance(connection, lane, ack.count, now):
            return False
        self.finish(lane)
        return True
