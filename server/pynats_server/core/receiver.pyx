"""See receiver.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcmp, memcpy

from pynats_server.core.engine cimport Peer
from pynats_server.core.interest.subscription cimport close_subscription
from pynats_server.core.limits cimport (
    BACKLOG_HIGH, EXTERN_MIN, FLUSH_MARK, REMOVE_AT_ONCE, REMOVE_STEPS, RUN_DIRECT,
    STEP_SUBJECT_SHIFT, SUBSCRIBE_STEPS,
)
from pynats_server.core.memory.bytemap cimport bytemap_get, bytemap_pop, bytemap_put
from pynats_server.core.memory.chunks cimport Chunk, chunk_may_borrow
from pynats_server.core.permissions cimport SUBSCRIBE_DENIED
from pynats_server.core.protocol.framing cimport line_max, put_line
from pynats_server.core.removal cimport Removal, removal_of
from pynats_server.core.sockets.output cimport output_splice
from pynats_server.core.tracing.trail cimport Trail

from pynats_server.core.reasons import CloseReason

# What traces say of messages that are not delivered.
NO_ECHO = b"Not delivered because of no echo"
SUBSCRIPTION_DENIED = b"Not delivered because subscription denies this subject"
EXCEEDED = b"Not delivered because auto-unsubscribe exceeded"
CLIENT_CLOSED = b"Not delivered because client is closed"
SLOW = b"Not delivered because fast producer not stalled and consumer is slow"
cdef int SLOW_PENDING = CloseReason.SLOW_CONSUMER_PENDING_BYTES


cdef class Receiver(LayeredConnection):
    # --- subscriptions ---

    cdef bint has_subscription(self, const char* sid, size_t length) noexcept:
        return bytemap_get(&self.subscriptions, sid, length) != NULL

    cdef int add_subscription(self, Subscription sub) except -1:
        self.engine.routing.steps += SUBSCRIBE_STEPS + (sub.subject_len >> STEP_SUBJECT_SHIFT)
        self.account.join(sub)
        bytemap_put(&self.subscriptions, sub.c_sid(), sub.sid_len, <void*>sub)
        Py_INCREF(sub)  # owned by `subscriptions` until drop_subscription
        return 0

    cdef int limit_subscription(self, const char* sid, size_t length, uint64_t most) except -1:
        cdef Subscription sub
        cdef void* found = bytemap_get(&self.subscriptions, sid, length)
        if found == NULL:
            return 0
        sub = <Subscription>found
        if most:
            sub.max = most
            self.account.sublist.touch(sub)
        if most == 0 or sub.delivered >= sub.max:
            self.drop_subscription(sub)
        return 0

    cdef int drop_subscription(self, Subscription sub) except -1:
        if sub.closed:
            return 0
        close_subscription(sub)
        self.engine.routing.steps += REMOVE_STEPS + (sub.subject_len >> STEP_SUBJECT_SHIFT)
        bytemap_pop(&self.subscriptions, sub.c_sid(), sub.sid_len)
        self.account.leave(sub)
        sub.sink = None
        Py_DECREF(sub)  # the reference of `subscriptions`
        return 0

    def drop_subscriptions(self) -> None:
        """Ends every subscription. They get no more messages; their removal may take some turns."""
        cdef uint32_t i
        cdef void* found
        cdef Removal removal
        if self.subscriptions.used == 0:
            return
        if not self.closing:  # to a closing connection nothing is delivered anyway
            for i in range(self.subscriptions.capacity):
                found = self.subscriptions.slots[i].value
                if found != NULL:
                    close_subscription(<Subscription>found)
        removal = removal_of(self.account, &self.subscriptions)
        if removal.work(self.engine, self.engine.routing.steps + REMOVE_AT_ONCE * REMOVE_STEPS):
            self.engine.add_chore(removal)

    @property
    def subscription_count(self) -> int:
        return self.subscriptions.used

    def subscription_list(self, most: int | None = None) -> list:
        """The live subscriptions (or `most` of them), in no particular order."""
        cdef uint32_t i
        cdef uint32_t wanted = self.subscriptions.used
        found = []
        if most is not None:
            wanted = min(wanted, most)
        for i in range(self.subscriptions.capacity):
            if wanted == 0:
                break
            if self.subscriptions.slots[i].value != NULL:
                found.append(<Subscription>self.subscriptions.slots[i].value)
                wanted -= 1
        return found

    # --- deliveries ---

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        cdef bint with_headers
        cdef const char* payload
        cdef size_t length, room
        cdef char* start
        cdef char* at
        cdef bint borrowed = False, lent = False
        if self.closing or (source is self and self.skip_own):
            return 0
        if sub.max and sub.delivered >= sub.max:
            self.drop_subscription(sub)
            return 0
        if self.sheds(source):
            return 0
        if sub.filtered and self.withholds(sub, msg):
            return 0
        with_headers = msg.header_len != 0 and self.headers
        payload = msg.payload
        length = msg.total_len
        if msg.header_len and not with_headers:
            payload += msg.header_len
            length -= msg.header_len
        room = line_max(msg, sub.sid_len)
        if self.pending() + room + length > <size_t>self.engine.max_pending:
            if self.over_pending(room + length):
                return 0
        if length >= EXTERN_MIN:
            borrowed = msg.borrowed and (
                not self.blocked or length * 4 >= self.engine.current.capacity
            )
            lent = msg.lender != NULL and chunk_may_borrow(<Chunk*>msg.lender)
        start = at = self.reserve(room + 2 if borrowed or lent else room + length + 2)
        at = put_line(at, msg, sub, msg.header_len if with_headers else 0, length)
        if self.engine.tracing:
            self.engine.handler.trace_out(self, b"HMSG" if with_headers else b"MSG",
                                          start[4:at - start - 2].strip())
            self.engine.handler.trace_payload(
                self, payload[:length], msg.header_len if with_headers else 0, b"->>"
            )
        if borrowed:
            self.output.end += at - start
            output_splice(&self.output, payload, length + 2, self.engine.current)
        elif lent:
            self.output.end += at - start
            output_splice(&self.output, payload, length, <Chunk*>msg.lender)
            at[0] = b'\r'
            at[1] = b'\n'
            self.output.end += 2
        else:
            memcpy(at, payload, length)
            at += length
            at[0] = b'\r'
            at[1] = b'\n'
            self.output.end += at + 2 - start
        sub.delivered += 1
        if sub.max and sub.delivered >= sub.max:
            self.drop_subscription(sub)
        self.count_output(sub, 1, length)
        if self.replies is not None and msg.reply_len:
            self.replies.grant(msg.reply[:msg.reply_len], self.engine.now)
        self.after_output(source, sub)
        return 1

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        cdef Trail noting = <Trail>trail
        cdef Account account = self.account
        cdef bytes error = self._obstacle(sub, msg, source)
        if not noting.only and not self.deliver(sub, msg, source) and error is None:
            error = CLIENT_CLOSED
        noting.reached(self, account, sub, error)
        return error is None

    cdef bytes _obstacle(self, Subscription sub, Message* msg, Sink source):
        """Why a message would not be delivered, in the order of `deliver`; None = it would."""
        if source is self and self.skip_own:
            return NO_ECHO
        if sub.filtered and self.withholds(sub, msg):
            return SUBSCRIPTION_DENIED
        if sub.max and sub.delivered >= sub.max:
            return EXCEEDED
        if self.closing:
            return CLIENT_CLOSED
        if self.sheds(source):
            return SLOW
        return None

    cdef bint withholds(self, Subscription sub, Message* msg) except -1:
        if self.permissions is None:
            return False
        if self.judging is not None and (
            self.permissions.may_subscribe(
                (sub if sub.origin is None else sub.origin).subject, sub.queue
            ) == SUBSCRIBE_DENIED
        ):
            return True
        return self.permissions.denies_delivery(
            msg.via if msg.via_len else msg.subject, msg.via_len or msg.subject_len,
            sub.c_queue(), sub.queue_len,
        )

    cdef bint over_pending(self, size_t length) except -1:
        """Cuts a receiver whose backlog would pass max_pending."""
        cdef size_t pending = self.pending()
        if pending + length <= <size_t>self.engine.max_pending:
            return False
        self.engine.slow_consumers += 1
        self.engine.handler.on_slow_consumer(self, CloseReason.SLOW_CONSUMER_PENDING_BYTES)
        self.discard()
        self.close_with(SLOW_PENDING)
        return True

    cdef bint sheds(self, Sink source) noexcept:
        """no_fast_producer_stall: a receiver that would stall clients loses their messages."""
        if self.engine.stall_producers or not isinstance(source, Receiver):
            return False
        return self.pending() * 4 > <size_t>self.engine.max_pending * 3

    cdef void count_output(self, Subscription sub, uint64_t msgs, uint64_t size) noexcept:
        cdef Account account = self.account if sub.home is None else <Account>sub.home
        self.totals.out_msgs += msgs
        self.totals.out_bytes += size
        account.totals.out_msgs += msgs
        account.totals.out_bytes += size
        self.engine.totals.out_msgs += msgs
        self.engine.totals.out_bytes += size
        self.last_activity = self.engine.now

    cdef int after_output(self, Sink source, Subscription sub) except -1:
        cdef size_t pending = self.pending()
        self.touch_output()
        if pending > FLUSH_MARK:
            if not self.blocked:
                self.flush()
                pending = self.pending()
            if pending > BACKLOG_HIGH:
                self.note_behind(sub)
                if source is not None:
                    source.stalled_by(self, pending)
        return 0

    cdef int note_behind(self, Subscription sub) except -1:
        cdef bytes known = self.behind_on
        if (
            known is None or <size_t>len(known) != sub.subject_len
            or memcmp(<const char*>known, sub.c_subject(), sub.subject_len) != 0
        ):
            self.behind_on = sub.subject
        return 0

    cdef int stalled_by(self, Sink receiver, size_t pending) except -1:
        return self.engine.hold_back(self, <Peer>receiver, pending)

    cdef int take_run(self, Run* run, Subscription sub, Sink source) except -1:
        """Same effect as `deliver` for each message, many at a time."""
        cdef size_t length = run.count * run.piece
        cdef size_t pending = self.pending()
        cdef size_t i
        if self.closing:
            return 0
        if (pending + length) * 4 > <size_t>self.engine.max_pending * 3:
            for i in range(run.count):  # which of them is one too many?
                if self.sheds(source):
                    continue
                if self.closing or self.over_pending(run.piece):
                    return 0
                self.append(run.block + i * run.piece, run.piece)
                sub.delivered += 1
                self.count_output(sub, 1, run.msg.total_len)
                self.after_output(source, sub)
            return 0
        if pending == 0 and length >= RUN_DIRECT and not self.blocked:
            self.write_through(run.block, length)
        else:
            self.append(run.block, length)
        sub.delivered += run.count
        self.count_output(sub, run.count, run.count * run.msg.total_len)
        if self.pending() and not self.closing:
            self.after_output(source, sub)
        return 0
