"""See feed.pxd."""
from libc.stdint cimport uint8_t
from libc.stdlib cimport free
from libc.string cimport memset

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.limits cimport EXTERN_MIN, STEP_BYTES_SHIFT
from pynats_server.jetstream.clock cimport steady_ns
from pynats_server.jetstream.consumer.delivery.alarms cimport Alarms
from pynats_server.jetstream.consumer.delivery.building cimport (
    NUMBERS_MAX, REPLY_MAX, REPLY_ROOM, behead, build, put_reply, rewrite,
)
from pynats_server.jetstream.consumer.delivery.finding cimport FOUND, FULL, NOTHING, UNFINISHED
from pynats_server.jetstream.consumer.delivery.interest cimport Interest
from pynats_server.jetstream.consumer.delivery.state cimport ConsumerState
from pynats_server.jetstream.store.record cimport stamp, u64
from pynats_server.jetstream.store.seqset cimport SequenceSet

cdef int64_t SHORTEST_WAIT = 1_000_000  # ns between two deliveries of a message without a sign

cdef enum:
    SEND_STEP = 2
    LOOK_AT_CLOCK = 16  # deliveries that have one time


cdef class Bell(Alarmed):
    cdef int ring(self, int64_t now) except -1:
        cdef Feed feed = self.feed
        cdef int64_t next_at, at
        if feed is None or feed.stopped:
            return 0
        next_at = feed.expire(now)
        at = feed.timed(now)
        if at and (next_at == 0 or at < next_at):
            next_at = at
        feed.want_alarm(next_at)
        feed.wake()
        return 0


cdef class Feed(Awaiting):
    """Of the consumer `host`, whose state is `state`."""

    def __init__(self, host, ConsumerState state not None, Interest interest not None,
                 Account account not None, Alarms alarms not None, bytes ack_head not None):
        cdef Bell bell = Bell()
        if len(ack_head) + NUMBERS_MAX > REPLY_MAX:
            raise ValueError("names of domain, stream and consumer are too long")
        super().__init__(host, state, interest, alarms, bell)
        bell.feed = self
        self.stopped = True  # until it starts: nobody would find it by what its receivers answer
        self.account = account
        self.ack_head = ack_head
        self.extra = b""
        self.touched_ns = monotonic_ns()

    def __dealloc__(self):
        free(self.scratch.bytes)

    # -- life ---------------------------------------------------------------------------------

    def set_rules(self, *, max_deliver: int, max_ack_pending: int, ack_wait_ns: int,
                  backoff_ns: list, headers_only: bool, original_pace: bool, sample: int,
                  retains: bool) -> None:
        """Takes what a configuration says. Limits below 1 are none."""
        self.max_deliver = max(max_deliver, 0)
        self.max_ack_pending = max(max_ack_pending, 0)
        self.ack_wait_ns = max(ack_wait_ns, SHORTEST_WAIT)
        self.backoff_ns = [max(wait_ns, SHORTEST_WAIT) for wait_ns in backoff_ns]
        self.headers_only = headers_only
        self.original_pace = original_pace
        self.sample = sample
        self.retains = self.state.keeps_spent = retains

    def start(self) -> None:
        """Goes on where the state says: what was waited for is waited for again."""
        self.stopped = False
        self.next_seq = max(self.next_seq, self.state.stream_seq + 1)
        self.look_at = self.looking = 0  # the wait may be another one now
        self.want_alarm(self.expire(steady_ns()))
        self.wake()

    def stop(self) -> None:
        """Delivers nothing more."""
        self.stopped = True
        (<Bell>self.bell).feed = None
        self.alarms.drop(self.bell)
        self.interest.leave(self)

    def part(self, host) -> None:
        """After `stop`: `host` takes the place of the consumer, so that neither keeps the other."""
        self.host = host

    def reset(self, uint64_t start) -> None:
        """See `ConsumerState.reset`. Delivers nothing until it has been `counting`."""
        self.state.reset(start)
        self.again_head = self.again_tail = 0
        self.look_at = self.looking = 0
        self.next_seq = start
        self.hint = self.resume = 0
        self.last_delivered_ns = self.last_acked_ns = 0
        self.firsts = SequenceSet()
        self.interest.expect(self)
        self.hold()
        self.changed()

    cdef int say(self, bytes inbox, bytes status) except -1:
        self.account.publish(
            self.engine, inbox, b"", headers=b"NATS/1.0 " + status + b"\r\n\r\n"
        )
        return 0

    # -- serving ------------------------------------------------------------------------------

    cdef bint serve(self, uint64_t until) except -1:
        cdef bint more, serving = self.serving
        if self.lag:
            self.interest.settle(self)
        self.serving = True
        try:
            more = self._serve(until)
        finally:
            self.serving = serving
        self.changed()
        return more

    cdef bint _serve(self, uint64_t until) except -1:
        cdef Found found
        cdef bint more = True
        cdef uint32_t sent = 0
        while more and self.engine.routing.steps < until:
            if self.stopped or self.paused or self.held or not self.ready():
                more = False
                break
            found = self.find()
            if found == FOUND:
                if sent % LOOK_AT_CLOCK == 0:
                    self.now = steady_ns()
                sent += 1
                more = self._send()
            elif found != UNFINISHED:
                if found == NOTHING:
                    self.dry()
                more = False
        return more

    cdef Found find(self) except *:
        cdef Found found
        self.entry = NULL
        if self.again_head != self.again_tail:
            found = self.find_again()
            if found != NOTHING:
                return found
        if self.is_at_limit():
            return FULL
        return self.find_new()

    cdef bint _send(self) except -1:
        """Delivers what was found. Whether there may be more to do."""
        cdef Message msg
        cdef char reply[REPLY_ROOM]
        cdef const uint8_t* r = self.block.buf + self.block.offs[self.slot]
        cdef bint fresh = self.entry == NULL
        cdef uint64_t seq = u64(r + 4), delivery = self.state.consumer_seq + 1
        cdef uint32_t count = 1 if fresh else self.entry.count + 1
        cdef int64_t now = self.now, ts = stamp(r)
        cdef Given given
        memset(&msg, 0, sizeof(msg))
        msg.reply = reply
        msg.reply_len = <uint32_t>put_reply(
            reply, self.ack_head, count, seq, delivery, ts, self.pending() - fresh
        )
        build(&msg, r)
        self.block.recent = True
        if self.headers_only:
            behead(&msg, &self.scratch, self.extra)
        elif self.extra:
            rewrite(&msg, &self.scratch, self.extra, True)
        elif msg.total_len >= EXTERN_MIN:
            msg.lender = self.block.lend()
        given = self.give(&msg, msg.subject_len + msg.reply_len + msg.total_len)
        self.engine.routing.steps += SEND_STEP + (msg.total_len >> STEP_BYTES_SHIFT)
        if given != GAVE:
            return given == NOBODY
        self.last_delivered_ns = now
        if fresh:
            self.passed(seq, ts)
        else:
            self.again_head += 1
            self.entry = self.state.find(seq)  # what was run by the delivery may have moved it
            if self.entry != NULL:
                self.state.mark(self.entry, False)
        self.delivered(delivery, seq, count, now)
        self.gave()
        return True

    # -- for subclasses -----------------------------------------------------------------------

    cdef bint ready(self) except -1:
        raise NotImplementedError

    cdef Given give(self, Message* msg, size_t size) except *:
        raise NotImplementedError

    cdef int gave(self) except -1:
        return 0

    cdef int dry(self) except -1:
        return 0

    cdef int64_t timed(self, int64_t now) except -1:
        return 0
