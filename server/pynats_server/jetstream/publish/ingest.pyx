"""See ingest.pxd."""
from libc.stdio cimport snprintf
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from pynats_server.core.account cimport route_once
from pynats_server.core.native cimport pn_put_uint
from pynats_server.core.limits cimport CALL_STEPS, STORE_STEPS
from pynats_server.core.subject cimport subject_has_wildcard
from pynats_server.jetstream.clock cimport wall_ns
from pynats_server.jetstream.publish.checks cimport DUPLICATE, PASSED, RARE
from pynats_server.jetstream.publish.marks cimport (
    NO_ROLLUP, ROLLUP_SUBJECT, Rollup, present, read_marks, read_rollup,
)
from pynats_server.jetstream.store.expiry cimport header_marks
from pynats_server.jetstream.store.subjects cimport Leaf
from pynats_server.jetstream.publish.batch.fast_state cimport FastBatch, is_fast_reply

import msgspec

from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.jetstream.store.errors import StoreError, StoreFull

cdef extern from "<string.h>" nogil:
    void* memmem(const void* haystack, size_t n, const void* needle, size_t m)

cdef struct AckHead:
    # Followed by the reply subject and, if any, a body of its own.
    uint64_t seq
    uint32_t reply_len
    uint32_t body_len
    uint32_t fate  # Fate

cdef enum Fate:
    OPEN  # depends on what becomes of the store
    FINAL  # the body is sent whatever becomes of the store
    UNDONE  # the disk was full: the message has been taken back

cdef enum:
    STATUS_AT = 8  # where a header block has its status, if any
    BODY_MAX = 512  # of a standard acknowledgement: stream names have at most 255 bytes


def store_error(error: StoreError) -> ApiError:
    """What a publisher is told when its message cannot be kept."""
    if isinstance(error, StoreFull):
        return api_error(10047)
    return api_error(10077, err=error)


cdef class AckBatch:
    def __init__(self, Ingest ingest not None):
        self.ingest = ingest

    def __dealloc__(self):
        free(self.data)

    cdef int put(self, uint64_t seq, const char* reply, uint32_t reply_len,
                 const char* body, uint32_t body_len, bint final) except -1:
        cdef size_t need = sizeof(AckHead) + reply_len + body_len
        cdef size_t capacity
        cdef AckHead head
        cdef char* grown
        if self.capacity - self.used < need:
            capacity = max(self.capacity * 2, self.used + need, 4096)
            grown = <char*>realloc(self.data, capacity)
            if grown == NULL:
                raise MemoryError()
            self.data = grown
            self.capacity = capacity
        head.seq = seq
        head.reply_len = reply_len
        head.body_len = body_len
        head.fate = FINAL if final else OPEN
        memcpy(self.data + self.used, &head, sizeof(AckHead))
        if reply_len:  # else there may be no pointer at all
            memcpy(self.data + self.used + sizeof(AckHead), reply, reply_len)
        if body_len:
            memcpy(self.data + self.used + sizeof(AckHead) + reply_len, body, body_len)
        self.used += need
        self.count += 1
        return 0

    cdef int undo(self, uint64_t last_seq) except -1:
        cdef char* p = self.data
        cdef char* end = self.data + self.used
        cdef AckHead head
        self.last_seq = min(self.last_seq, last_seq)
        while p < end:
            memcpy(&head, p, sizeof(AckHead))
            if head.fate == OPEN and head.seq > last_seq:
                head.fate = UNDONE
                memcpy(p, &head, sizeof(AckHead))
                self.has_undone = True
            p += sizeof(AckHead) + head.reply_len + head.body_len
        return 0

    def __call__(self, error: StoreError | None) -> None:
        """Sends the acknowledgements, or the reason why a message was not kept."""
        cdef Ingest ingest = self.ingest
        ingest.waiting -= self.count
        ingest.waiting_bytes -= self.nbytes
        if self.count:
            ingest.engine.within_turn(lambda: self.send(error))
        if error is None:
            ingest.stream.committed(self.last_seq)

    def send(self, error: StoreError | None) -> None:
        """See __call__."""
        cdef Ingest ingest = self.ingest
        cdef char body[BODY_MAX + 32]
        cdef size_t head_len = len(ingest.ack_head)
        cdef AckHead head
        cdef Message msg
        cdef char* p = self.data
        cdef char* end = self.data + self.used
        cdef char* tail
        cdef bytes refusal = b""
        cdef bytes undone = ingest.refusal(api_error(10047)) + b"\r\n" if self.has_undone else b""
        if error is not None:
            refusal = ingest.refusal(store_error(error)) + b"\r\n"
        memcpy(body, <const char*>ingest.ack_head, head_len)
        memset(&msg, 0, sizeof(msg))
        while p < end:
            memcpy(&head, p, sizeof(AckHead))
            p += sizeof(AckHead)
            msg.subject = p
            msg.subject_len = head.reply_len
            p += head.reply_len
            if head.fate == UNDONE:
                msg.payload = undone
                msg.total_len = <uint32_t>(len(undone) - 2)
            elif error is not None and head.fate == OPEN:
                msg.payload = refusal
                msg.total_len = <uint32_t>(len(refusal) - 2)
            elif head.body_len:
                msg.payload = p
                msg.total_len = head.body_len - 2
            else:
                msg.payload = body
                tail = body + head_len
                tail += pn_put_uint(tail, head.seq)
                memcpy(tail, b"}\r\n", 3)
                msg.total_len = <uint32_t>(tail + 1 - body)
            p += head.body_len
            try:
                route_once(ingest.account, None, &msg, &ingest.engine.routing)
            except Exception as failure:  # of one receiver; the others still get the message
                ingest.stream.on_internal_error(failure)


cdef class Ingest(Sink):
    """Where a stream's subjects lead. `stream` takes what is not plain: `accept(subject, reply,
    headers, payload)`, `appended()` once per turn, and `committed(last_seq)` when a turn's
    messages are durable."""

    def __init__(self, Account account not None, Engine engine not None,
                 Appender appender not None, stream, str name not None, str domain not None,
                 Usage usage not None, max_waiting: int, max_waiting_bytes: int):
        self.account = account
        self.engine = engine
        self.appender = appender
        self.store = appender.store
        self.stream = stream
        self.usage = usage
        self.admission = appender.admission
        self.foresees = True
        head = b'{"stream":' + msgspec.json.encode(name)
        if domain:
            head += b',"domain":' + msgspec.json.encode(domain)
        self.ack_head = head + b',"seq":'
        if len(self.ack_head) > BODY_MAX:
            raise ValueError("stream and domain names are too long")
        self.batch = AckBatch(self)
        self.max_waiting = max_waiting
        self.max_waiting_bytes = max_waiting_bytes

    @property
    def is_busy(self) -> bool:
        """Whether too many messages wait for their acknowledgement to take another one."""
        return (
            self.waiting >= self.max_waiting or self.waiting_bytes >= self.max_waiting_bytes
        )

    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1:
        sub.delivered += 1
        try:
            return self._take(msg, source)
        except StoreError as error:
            refusal = self.refusal(store_error(error))
        except Exception as error:  # a bug of ours must not end the publisher's connection
            self.stream.on_internal_error(error)
            refusal = self.refusal(api_error(10077, err="internal error"))
        if msg.reply_len:
            self.answer(msg.reply[:msg.reply_len], refusal, True)
        return 1

    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1:
        sub.delivered += 1
        self.engine.routing.steps += 4 * CALL_STEPS
        try:
            self.stream.accept_traced(
                msg.subject[:msg.subject_len], msg.reply[:msg.reply_len],
                msg.payload[:msg.header_len], msg.payload[msg.header_len:msg.total_len], trail,
            )
        except Exception as error:  # as above
            self.stream.on_internal_error(error)
        return 1

    cdef void foresee(self, uint32_t hash, int step) noexcept:
        if step == 0:
            self.store.tree.prefetch_bucket(hash)
        else:
            self.store.tree.prefetch_leaf(hash)

    cdef int _take(self, Message* msg, Sink source) except -1:
        cdef uint64_t seq
        cdef Retention store = self.store
        cdef Admission admission = self.admission
        cdef FastBatch fast = None
        cdef bint named
        cdef int64_t now
        cdef Marks marks
        cdef Rollup rollup = NO_ROLLUP
        cdef int verdict
        if (
            not self.fast
            or self.waiting >= self.max_waiting
            or self.waiting_bytes >= self.max_waiting_bytes
            or (msg.header_len > STATUS_AT and msg.payload[STATUS_AT] != c'\r')
        ):
            if self._stage(msg):
                return 1
            return self._slow(msg, source)
        named = (
            msg.header_len != 0
            and memmem(msg.payload, msg.header_len, b"\r\nNats-", 7) != NULL
        )
        if msg.reply_len and is_fast_reply(msg.reply, msg.reply_len):
            if self.fast_table is not None and not named:
                fast = self.fast_table.next_of(msg)
            if fast is None:
                return self._slow(msg, source)
        self.engine.routing.steps += STORE_STEPS
        now = wall_ns()
        if now < store.last_ts:
            now = store.time_for(now)
        verdict = admission.fit(msg.payload, msg.header_len, msg.total_len)
        if verdict == PASSED and named:
            read_marks(msg.payload, msg.header_len, &marks)
            verdict = self._check(msg, &marks, now)
            rollup = read_rollup(msg.payload, &marks)
        if verdict == PASSED:
            verdict = admission.limit(
                msg.subject, msg.subject_len, msg.header_len, msg.total_len, rollup != NO_ROLLUP
            )
        if rollup == ROLLUP_SUBJECT and self._replaces_many(msg):
            return self._slow(msg, source)
        if verdict != PASSED:
            if verdict == RARE and self._stage(msg):
                return 1
            if verdict == RARE or fast is not None:
                return self._slow(msg, source)
            if verdict == DUPLICATE:
                return self._duplicate(msg)
            return self._refuse(msg, verdict)
        seq = self.appender.append(
            msg.subject, msg.subject_len, msg.payload, msg.header_len, msg.total_len, now,
            &marks if named else NULL, rollup,
        )
        self.settle()
        if fast is not None:
            if self.fast_table.advance(fast, seq, self.store.written_seq):
                self._say_flow(fast, msg)
        elif msg.reply_len and not self.no_ack:
            self.batch.put(seq, msg.reply, msg.reply_len, NULL, 0, False)
            self.batch.nbytes += msg.total_len
            self.waiting += 1
            self.waiting_bytes += msg.total_len
        self._schedule()
        return 1

    cdef int _check(self, Message* msg, Marks* marks, int64_t now) except -1:
        cdef Admission admission = self.admission
        cdef int64_t ttl_s = 0
        cdef int verdict
        if marks.rare:
            return RARE
        if present(marks.ttl):
            header_marks(<const uint8_t*>msg.payload, msg.header_len, &ttl_s)
            # Invalid TTLs, and those that are stored with another value, are rare.
            if ttl_s == 0 or 0 < ttl_s < admission.ttl_min_s:
                return RARE
        verdict = admission.expect(msg.subject, msg.subject_len, msg.payload, marks, ttl_s)
        if verdict != PASSED:
            return verdict
        return admission.identify(msg.payload, marks, now)

    cdef bint _replaces_many(self, Message* msg) except -1:
        """Whether a rollup replaces the messages of many subjects, or very many of one."""
        cdef Leaf* leaf
        if self.store.gathering or subject_has_wildcard(msg.subject, msg.subject_len):
            return True
        leaf = self.store.tree.get(<const uint8_t*>msg.subject, msg.subject_len)
        return leaf != NULL and leaf.total >= EVICT_MAX

    cdef int _refuse(self, Message* msg, int verdict) except -1:
        if msg.reply_len and not self.no_ack:
            error = self.admission.error(verdict, msg.payload[:msg.header_len])
            self.answer(msg.reply[:msg.reply_len], self.refusal(error), True)
        return 1

    cdef int _duplicate(self, Message* msg) except -1:
        cdef char body[BODY_MAX + 64]
        cdef size_t length = len(self.ack_head)
        if msg.reply_len and not self.no_ack:
            memcpy(body, <const char*>self.ack_head, length)
            length += snprintf(
                body + length, 64, b"%llu,\"duplicate\": true}\r\n",
                <unsigned long long>self.admission.found,
            )
            # Not before the message it repeats is durable.
            self.batch.put(
                self.admission.found, msg.reply, msg.reply_len, body, <uint32_t>length, False
            )
            self.waiting += 1
            self._schedule()
        return 1

    cdef bint _stage(self, Message* msg) except -1:
        """Whether the message was one in the middle of an atomic batch, and is staged now."""
        if (
            self.staging is None
            or msg.header_len == 0
            or is_fast_reply(msg.reply, msg.reply_len)
            or self.waiting >= self.max_waiting
            or self.waiting_bytes >= self.max_waiting_bytes
            or self.admission.fit(msg.payload, msg.header_len, msg.total_len) != PASSED
            or self.admission.storage(
                self.admission.size_of(msg.subject_len, msg.header_len, msg.total_len)
            ) != PASSED
            or not self.staging.offer(msg)
        ):
            return False
        if msg.reply_len and not self.no_ack:
            self.say_now(msg.reply[:msg.reply_len], b"")
        return True

    cdef int _say_flow(self, FastBatch batch, Message* msg) except -1:
        cdef char body[96]
        cdef int length = snprintf(
            body, sizeof(body), b'{"type":"ack","seq":%llu,"msgs":%llu}\r\n',
            <unsigned long long>batch.flowed, <unsigned long long>batch.flow,
        )
        self.batch.put(batch.stream_seq, msg.reply, msg.reply_len, body, length, False)
        self.waiting += 1
        return 0

    cdef int _slow(self, Message* msg, Sink source) except -1:
        self.engine.routing.steps += 2 * CALL_STEPS  # checks, and an operation
        self.stream.accept(
            msg.subject[:msg.subject_len], msg.reply[:msg.reply_len],
            msg.payload[:msg.header_len], msg.payload[msg.header_len:msg.total_len],
        )
        return 1

    cdef int _schedule(self) except -1:
        if not self.scheduled:
            self.scheduled = True
            self.engine.at_turn_end(self.end_turn)
        return 0

    def end_turn(self) -> None:
        """Makes the turn's messages durable; their acknowledgements follow."""
        cdef AckBatch batch = self.batch
        if not self.scheduled:
            return
        self.scheduled = False
        self.batch = AckBatch(self)
        batch.last_seq = self.store.last_seq
        self.ending = batch
        try:
            self.stream.appended()
        except Exception as error:  # a bug of ours must not cost the acknowledgements
            self.stream.on_internal_error(error)
        try:
            self.store.commit_kept(batch)
        except Exception as error:  # nor end the turn
            self.stream.on_internal_error(error)
        self.ending = None

    def undone(self, last_seq: int) -> None:
        """The store has taken back the messages above `last_seq`."""
        self.batch.undo(last_seq)
        if self.ending is not None:
            self.ending.undo(last_seq)
        self.settle()

    def changed(self) -> None:
        """An operation has changed the store: it is made durable at the end of the turn."""
        self.settle()
        self._schedule()

    def settle(self) -> None:
        """Counts what the store has grown or shrunk by since the last call."""
        cdef int64_t delta = <int64_t>self.store.nbytes - self.charged
        if delta:
            self.charged += delta
            self.usage.grow(delta)

    def stored(self, seq: int, bytes reply not None, bytes body=None, size: int = 0) -> None:
        """After an append (or a duplicate): acknowledges it once it is durable, in the standard
        form or with a JSON `body`. `size` of headers and payload counts as waiting until then."""
        self.settle()
        if reply and not self.no_ack:
            if body is None:
                self.batch.put(seq, reply, <uint32_t>len(reply), NULL, 0, False)
            else:
                body += b"\r\n"
                self.batch.put(
                    seq, reply, <uint32_t>len(reply), body, <uint32_t>len(body), False
                )
            self.waiting += 1
            self.waiting_bytes += size
            self.batch.nbytes += size
        self._schedule()

    def answer(self, bytes reply not None, bytes body not None, final: bool = True) -> None:
        """Sends a JSON body in the order of the acknowledgements; `final` = whatever becomes of
        the store."""
        if self.no_ack:
            return
        self.tell(reply, body, final)

    def tell(self, bytes reply not None, bytes body not None, final: bool) -> None:
        """As `answer`, also where the stream sends no acknowledgements."""
        body = body + b"\r\n"
        self.batch.put(
            self.store.last_seq, reply, <uint32_t>len(reply), body, <uint32_t>len(body), final
        )
        self.waiting += 1
        self._schedule()

    def ack(self, seq: int, bytes more not None) -> bytes:
        """A PubAck with more fields, e.g. `,"val":"5"`."""
        return self.ack_head + b"%d" % seq + more + b"}"

    def refuse_busy(self, bytes reply not None) -> None:
        """Refuses a message at once because too many wait for the disk."""
        if reply and not self.no_ack:
            self.account.publish(
                self.engine, reply, self.refusal(api_error(10167)),
                headers=b"NATS/1.0 429 Too Many Requests\r\n\r\n",
            )

    def say_now(self, bytes reply not None, bytes body not None) -> None:
        """Sends an answer that does not depend on the store, unless the stream sends none."""
        if not self.no_ack:
            self.account.publish(self.engine, reply, body)

    def refusal(self, error: ApiError) -> bytes:
        """The PubAck of a message that was not kept."""
        return (
            b'{"error":' + msgspec.json.encode(error.as_dict()) + b","
            + self.ack_head[1:] + b"0}"
        )

    def release(self) -> None:
        """Subtracts what this stream holds from the account's usage."""
        self.usage.add(-self.charged)
        self.charged = 0
