"""See feed.pxd."""
from libc.stdint cimport uint8_t

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.senders.audience cimport (
    HELD, current_match, deliver_everybody, forget_match, listens,
)
from pynats_server.jetstream.clock cimport after, steady_ns
from pynats_server.jetstream.consumer.delivery.feed cimport GAVE, HALT, NOBODY
from pynats_server.jetstream.consumer.delivery.state cimport ACK_FLOW, Entry
from pynats_server.jetstream.store.search.filters cimport FilterSet

from pynats_server.jetstream.consumer.delivery.names import short_id
from pynats_server.core.protocol.headers import get as get_header

LAST_CONSUMER = b"Nats-Last-Consumer"
LAST_STREAM = b"Nats-Last-Stream"


cdef class PushFeed(Feed):
    """Of a push consumer."""

    def __dealloc__(self):
        forget_match(&self.match)

    # -- life ---------------------------------------------------------------------------------

    def set_target(self, bytes subject not None, bytes group not None, bytes flow_head not None,
                   *, flow_control: bool, heartbeat_ns: int, rate_bps: int, burst: int) -> None:
        """Where messages go, as long as somebody subscribes to exactly that subject: a plain
        subscriber, or a member of exactly that queue group. `burst` in bytes."""
        if self.watch is not None and subject != self.target:
            self.account.unwatch(self.watch)
            self.watch = None
        forget_match(&self.match)
        self.target, self.target_group, self.flow_head = subject, group, flow_head
        if not flow_control:
            self.window = None
        elif self.window is None:
            self.window = Window()
        self.rate = Pace(rate_bps, burst) if rate_bps else None
        self.heartbeat_ns = heartbeat_ns

    def start(self) -> None:
        """See `Feed.start`."""
        if self.watch is None:
            self.watch = self.account.watch(self.engine, self.target, self.heard)
        super().start()
        self.heard()

    def stop(self) -> None:
        """See `Feed.stop`."""
        super().stop()
        if self.watch is not None:
            self.account.unwatch(self.watch)
            self.watch = None
        if self.reader is not None:
            reader, self.reader = self.reader, None
            reader.ended()

    def heard(self) -> None:
        """Somebody may have begun to listen, or ceased to."""
        if self.stopped:
            return
        if self.reader is None and self.listened():
            if self.heartbeat_ns and not self.beat_at:
                self.beat_at = after(steady_ns(), self.heartbeat_ns)
                self.want_alarm(self.beat_at)
            self.wake()
            return
        self.beat_at = 0
        self.touched_ns = monotonic_ns()
        if self.window is not None:
            self.window.forget()

    @property
    def in_use(self) -> bool:
        """Whether somebody listens, or reads."""
        return self.reader is not None or self.listened()

    # -- read by a mirror or source of the same server ------------------------------------------

    def lend(self, reader) -> None:
        """From now on `reader` gets nothing delivered: it looks at the stream itself and says
        here how far it is (`took`, `acknowledge_to`). It is told when that `ended`, and when the
        consumer was `moved`. None gives it back."""
        self.reader = reader
        self.heard()

    def took(self, uint64_t seq, bytes subject not None) -> None:
        """The reader has message `seq`, and nothing that is wanted lies between it and the one
        before."""
        cdef FilterSet filters = self.group.filters
        if seq < self.next_seq:
            return
        self.next_seq = seq + 1
        if not (filters.every or filters.covers(
            <const uint8_t*><const char*>subject, len(subject)
        )):
            return
        self.now = steady_ns()
        self.base += 1
        self.last_delivered_ns = self.now
        self.state.delivered(self.state.consumer_seq + 1, seq, 1, self.now)
        self.changed()

    def acknowledge_to(self, uint64_t seq) -> None:
        """The reader has everything up to `seq` for good."""
        cdef size_t at = self.state.place(seq + 1)
        cdef Entry* entry
        if at > self.state.head:
            entry = self.state.at(at - 1)
            self.ack(entry.delivery, entry.seq, entry.count)

    def reset(self, uint64_t start) -> None:
        """See `Feed.reset`."""
        super().reset(start)
        if self.reader is not None:
            self.reader.moved()

    @property
    def is_lent(self) -> bool:
        """Whether a mirror or source of the same server reads."""
        return self.reader is not None

    @property
    def position(self) -> int:
        """The first sequence that it has not delivered."""
        return self.next_seq

    @property
    def num_waiting(self) -> int:
        """Push consumers have no requests."""
        return 0

    def asked(self, bytes inbox not None, bytes body not None) -> None:
        """There is nothing to ask for."""
        if inbox:
            self.say(inbox, b"409 Consumer is push based")

    def end_some(self, bytes status not None) -> bool:
        """There are none."""
        return False

    # -- serving ------------------------------------------------------------------------------

    cdef bint listened(self) except -1:
        cdef Match* match = current_match(
            self.account.sublist, &self.match, <const char*>self.target, len(self.target)
        )
        return listens(match, <const char*>self.target_group, len(self.target_group))

    cdef bint ready(self) except -1:
        if self.reader is not None or (self.window is not None and self.window.is_full()):
            return False
        return self.listened()

    cdef Given give(self, Message* msg, size_t size) except *:
        cdef int64_t taken, due
        if self.rate is not None:
            due = self.rate.due(size, steady_ns())
            if due > steady_ns():
                self.want_alarm(due)
                return HALT
        taken = deliver_everybody(self.match, self, msg, &self.engine.routing)
        if taken == HELD:
            return HALT
        if taken == 0:
            return NOBODY
        if self.rate is not None:
            self.rate.take(size)
        if self.window is not None and self.window.add(size):
            self.flow_due = True
        return GAVE

    cdef int gave(self) except -1:
        if self.flow_due:
            self.flow_due = False
            self.ask_flow()
        return 0

    # -- flow control and heartbeats ----------------------------------------------------------

    cdef int tell(self, bytes headers, bytes reply) except -1:
        if self.listened():
            self.account.publish(self.engine, self.target, b"", reply, headers)
        return 0

    cdef int ask_flow(self) except -1:
        self.window.ask(self.flow_head + short_id())
        return self.tell(b"NATS/1.0 100 FlowControl Request\r\n\r\n", self.window.request)

    cdef int flowed(self, Message* msg) except -1:
        self.touched_ns = monotonic_ns()
        if self.window is None or self.window.request != msg.subject[:msg.subject_len]:
            return 0
        if self.state.policy == ACK_FLOW and msg.header_len:
            self._take_floor(msg.payload[:msg.header_len])
        self.window.answered()
        return self.wake()

    def _take_floor(self, bytes headers not None) -> None:
        """How far the receiver has come acknowledges everything until there."""
        consumer, stream = get_header(headers, LAST_CONSUMER), get_header(headers, LAST_STREAM)
        if all(text and text.isdigit() and len(text) < 20 for text in (consumer, stream)):
            delivery, seq = int(consumer), int(stream)
            if delivery <= self.state.consumer_seq and seq < self.next_seq:
                self.acknowledge(delivery, seq)

    cdef int beat(self) except -1:
        stalled = b""
        if self.window is not None and self.window.request is not None:
            stalled = b"Nats-Consumer-Stalled: %s\r\n" % self.window.request
        self.tell(
            b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: %d\r\nNats-Last-Stream: %d\r\n%s\r\n"
            % (self.state.consumer_seq, self.next_seq - 1, stalled), b"",
        )
        if self.state.policy == ACK_FLOW and self.state.open and self.window.request is None:
            self.ask_flow()
        return 0

    cdef int64_t timed(self, int64_t now) except -1:
        if not self.heartbeat_ns or not self.beat_at:
            return 0
        if not self.listened():
            self.beat_at = 0
            return 0
        self.beat_at = max(self.beat_at, after(self.last_delivered_ns, self.heartbeat_ns))
        if self.beat_at <= now:
            self.beat()
            self.beat_at = after(now, self.heartbeat_ns)
        return self.beat_at
