"""See feed.pxd."""
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove, memset

from pynats_server.core.engine cimport monotonic_ns
from pynats_server.core.limits cimport EXTERN_MIN, STEP_BYTES_SHIFT
from pynats_server.core.native cimport pn_below, pn_put_uint
from pynats_server.jetstream.consumer.delivery.alarms cimport wall_ns
from pynats_server.jetstream.consumer.delivery.state cimport (
    ACK_EXPLICIT, ACK_FLOW, ACK_NONE, OPEN, SPENT,
)
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.seeker cimport Seeker, Sought
from pynats_server.jetstream.store.record cimport (
    HAS_HEADERS, HEAD, headers_of, stamp, subject_size, u32, u64,
)

from bisect import bisect_left

cdef enum:
    REPLY_MAX = 1024  # bytes of an acknowledgement subject: names and five numbers
    NUMBERS_MAX = 5 * 21
    SEND_STEP = 2
    LOOK_AT_CLOCK = 16  # deliveries that have one time
    SCAN_SHIFT = 3  # records that are looked at for one step, as a shift
    SCAN_MOST = 4096  # records of a search before the budget is looked at


cdef inline size_t put_number(char* at, uint64_t number) noexcept:
    """A token in front of others."""
    cdef size_t n = pn_put_uint(at, number)
    at[n] = c'.'
    return n + 1


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


cdef class Feed(Member):
    """Of the consumer `host`, whose state is `state`."""

    def __init__(self, host, ConsumerState state not None, Interest interest not None,
                 Account account not None, Alarms alarms not None, bytes ack_head not None):
        if len(ack_head) + NUMBERS_MAX > REPLY_MAX:
            raise ValueError("names of domain, stream and consumer are too long")
        self.host = host
        self.state = state
        self.interest = interest
        self.store = interest.store
        self.engine = interest.engine
        self.account = account
        self.alarms = alarms
        self.bell = Bell()
        self.bell.feed = self
        self.ack_head = ack_head
        self.next_seq = state.stream_seq + 1
        self.marked = state.changes
        self.backoff_ns = []
        self.firsts = []
        self.extra = b""
        self.touched_ns = monotonic_ns()

    def __dealloc__(self):
        free(self.again)
        free(self.scratch)

    # -- life ---------------------------------------------------------------------------------

    def set_rules(self, *, max_deliver: int, max_ack_pending: int, ack_wait_ns: int,
                  backoff_ns: list, headers_only: bool, original_pace: bool, sample: int,
                  retains: bool) -> None:
        """Takes what a configuration says. Limits below 1 are none."""
        self.max_deliver = max(max_deliver, 0)
        self.max_ack_pending = max(max_ack_pending, 0)
        self.ack_wait_ns = ack_wait_ns
        self.backoff_ns = list(backoff_ns)
        self.headers_only = headers_only
        self.original_pace = original_pace
        self.sample = sample
        self.retains = retains

    def start(self) -> None:
        """Goes on where the state says: what was waited for is waited for again."""
        self.stopped = False
        self.next_seq = max(self.next_seq, self.state.stream_seq + 1)
        self.want_alarm(self.expire(wall_ns()))
        self.wake()

    def stop(self) -> None:
        """Delivers nothing more."""
        self.stopped = True
        self.bell.feed = None
        self.interest.leave(self)

    def part(self, host) -> None:
        """After `stop`: `host` takes the place of the consumer, so that neither keeps the other."""
        self.host = host

    def reset(self, uint64_t start) -> None:
        """See `ConsumerState.reset`."""
        self.state.reset(start)
        self.again_head = self.again_tail = 0
        self.next_seq = start
        self.hint = self.resume = 0
        self.last_delivered_ns = self.last_acked_ns = 0
        self.firsts, self.firsts_at = [], 0
        self.interest.recount(self)
        self.changed()
        self.wake()

    def again_from_start(self) -> None:
        """What waits for an acknowledgement is delivered again, in order."""
        cdef size_t at
        for at in range(self.state.head, self.state.tail):
            if self.state.entries[at].fate == OPEN:
                self.put_again(&self.state.entries[at])
        self.wake()

    def go_ahead(self) -> None:
        """Something may be delivered that could not before."""
        self.wake()

    cdef int wake(self) except -1:
        if not self.stopped:
            self.ask_turn()
        return 0

    cdef int changed(self) except -1:
        """Has the state saved."""
        if self.marked != self.state.changes:
            self.marked = self.state.changes
            if not self.state.dirty:
                self.state.dirty = True
                self.host.changed()
        return 0

    cdef int want_alarm(self, int64_t at) except -1:
        return self.alarms.want(self.bell, at)

    cdef int say(self, bytes inbox, bytes status) except -1:
        self.account.publish(
            self.engine, inbox, b"", headers=b"NATS/1.0 " + status + b"\r\n\r\n"
        )
        return 0

    # -- figures ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Takes note of what has left the stream, before its figures are looked at."""
        if self.stale:
            self.interest.settle(self)

    cdef uint64_t pending(self) except? 0xFFFFFFFFFFFFFFFF:
        if self.stale:
            self.interest.settle(self)
        if self.group is None or self.far_seq or self.next_seq > self.store.last_seq:
            return 0
        return self.group.matched - self.base

    cdef uint64_t deliverable(self, uint64_t most) except? 0xFFFFFFFFFFFFFFFF:
        cdef uint64_t found = self.pending()
        cdef size_t at = self.again_head
        cdef Entry* entry
        while found < most and at < self.again_tail:
            entry = self.state.find(self.again[at])
            if entry != NULL and entry.queued and entry.fate == OPEN:
                found += 1
            at += 1
        return found

    cdef bint has_again(self) except -1:
        cdef Entry* entry
        while self.again_head != self.again_tail:
            entry = self.state.find(self.again[self.again_head])
            if entry != NULL and entry.queued and entry.fate == OPEN:
                return True
            self.again_head += 1
        return False

    @property
    def num_pending(self) -> int:
        """Messages of its filters that it has not delivered yet."""
        return self.pending()

    @property
    def longest_wait_ns(self) -> int:
        """How long an acknowledgement is waited for, at most."""
        return max(self.backoff_ns, default=self.ack_wait_ns)

    cdef bint is_at_limit(self) noexcept:
        return self.max_ack_pending != 0 and self.state.open >= self.max_ack_pending

    @property
    def is_full(self) -> bool:
        """Whether as many messages wait for their acknowledgement as may."""
        return self.is_at_limit()

    # -- what the stream tells ----------------------------------------------------------------

    cdef int lost(self, uint64_t seq, bint purged) except -1:
        cdef Entry* entry
        cdef uint64_t delivery
        cdef uint32_t count
        if seq >= self.next_seq:
            if seq >= self.resume:
                self.base += 1
            else:
                at = bisect_left(self.firsts, seq, self.firsts_at)
                if at < len(self.firsts) and self.firsts[at] == seq:
                    del self.firsts[at]
                    self.base += 1
        else:
            entry = self.state.find(seq)
            if entry != NULL:
                delivery, count = entry.delivery, entry.count
                if entry.fate == OPEN and not purged:
                    self.host.terminated(seq, delivery, count, "Unacknowledged message was deleted")
                self.strike(seq)
        if purged and self.store.first_seq > self.state.floor_stream + 1:
            self.state.purged(self.store.first_seq)
            self.next_seq = max(self.next_seq, self.state.stream_seq + 1)
            self.changed()
        return 0

    cdef int strike(self, uint64_t seq) except -1:
        """A single message needs no acknowledgement any more, whatever the policy."""
        cdef bint was_full = self.is_at_limit()
        self.state.struck(seq)
        self.changed()
        if was_full:
            self.wake()
        elif not self.stopped:
            self.interest.rouse(self)
        return 0

    cdef int swept(self) except -1:
        self.hint = 0
        self.firsts = [
            seq for seq in self.firsts[self.firsts_at:] if self.store.is_live(seq)
        ]
        self.firsts_at = 0
        self.state.purged(self.store.first_seq)
        self.next_seq = max(self.next_seq, self.state.stream_seq + 1)
        self.next_seq = min(self.next_seq, max(self.store.last_seq, self.state.stream_seq) + 1)
        self.changed()
        return 0

    cdef bint needs(self, uint64_t seq) noexcept:
        cdef Py_ssize_t at
        if seq >= self.resume and seq >= self.next_seq:
            return True
        if seq >= self.next_seq:
            at = bisect_left(self.firsts, seq, self.firsts_at)
            return at < len(self.firsts) and self.firsts[at] == seq
        return self.state.find(seq) != NULL  # also what is out of deliveries: somebody must see it

    cdef uint64_t ahead(self) except? 0xFFFFFFFFFFFFFFFF:
        cdef uint64_t start = max(self.next_seq, self.resume)
        cdef FilterSet filters = self.group.filters
        return len(self.firsts) - self.firsts_at + <uint64_t>self.store.count_from(filters, start)

    def hold(self) -> None:
        """Delivers nothing until it is counted what is before it, which `counting` does."""
        self.held = True

    def counting(self):
        """Counts what is before it, in slices (a `Work`), and goes on."""
        cdef uint64_t start, found
        self.held = True
        try:
            while self.group is not None:
                start = max(self.next_seq, self.resume)
                group = self.group
                found = yield from self.store.counting_from(self.group.filters, start)
                if self.group is group and start == max(self.next_seq, self.resume):
                    self.base = self.group.matched - found - (len(self.firsts) - self.firsts_at)
                    break
        finally:
            self.held = False
        self.wake()

    @property
    def joined(self) -> bool:
        """Whether its stream tells it of messages."""
        return self.group is not None

    def begin_with(self, list firsts not None, uint64_t resume) -> None:
        """Delivers these messages first, which are all before `resume`, and goes on there."""
        self.firsts = firsts
        self.firsts_at = 0
        self.resume = resume

    cdef uint64_t lowest(self) noexcept:
        if self.state.head < self.state.tail:
            return min(self.next_seq, self.state.entries[self.state.head].seq)
        return self.next_seq

    # -- serving ------------------------------------------------------------------------------

    cdef bint serve(self, uint64_t until) except -1:
        cdef Found found
        cdef bint more = True
        cdef uint32_t sent = 0
        if self.stale:
            self.interest.settle(self)
        while more and self.engine.routing.steps < until:
            if self.stopped or self.paused or self.held or not self.ready():
                more = False
                break
            found = self.find(until)
            if found == FOUND:
                if sent % LOOK_AT_CLOCK == 0:
                    self.now = wall_ns()
                sent += 1
                more = self._send()
            elif found != UNFINISHED:
                if found == NOTHING:
                    self.dry()
                more = False
        self.changed()
        return more

    cdef Found find(self, uint64_t until) except *:
        cdef Found found
        self.entry = NULL
        if self.again_head != self.again_tail:
            found = self._find_again()
            if found != NOTHING:
                return found
        if self.is_at_limit():
            return FULL
        return self._find_new(until)

    cdef Found _find_again(self) except *:
        cdef uint64_t seq
        cdef Entry* entry
        cdef Block block
        while self.again_head != self.again_tail:
            seq = self.again[self.again_head]
            entry = self.state.find(seq)
            if entry == NULL or not entry.queued or entry.fate != OPEN:
                self.again_head += 1
                continue
            if self.max_deliver and entry.count >= self.max_deliver:
                self.again_head += 1
                self.exhaust(entry)
                continue
            block = self.holder(seq)
            if block is None:
                if self.loading:
                    return NOT_YET
                self.again_head += 1
                self.strike(seq)  # damaged, or gone
                continue
            self.block = block
            self.slot = block.slot(seq)
            if self.slot < 0:
                self.again_head += 1
                self.strike(seq)
                continue
            self.entry = entry
            return FOUND
        self.again_head = self.again_tail = 0
        return NOTHING

    cdef Block holder(self, uint64_t seq):
        """The block of a live message, in memory; None if there is none, or not yet."""
        cdef Py_ssize_t at = self.store.block_at(seq)
        cdef Block block
        if at >= len(self.store.blocks):
            return None
        block = self.store.blocks[at]
        if seq < block.first_seq or seq > block.last_seq or block.deleted.has(seq):
            return None
        if not block.loaded:
            self.load(block)
            return None
        return block

    cdef int load(self, Block block) except -1:
        """Has a block read; `loaded` goes on."""
        if not self.loading:
            self.loading = True
            self.host.load(block, self.loaded)
        return 0

    def loaded(self) -> None:
        """A block that was asked for is in memory."""
        self.loading = False
        self.wake()

    cdef Found _find_new(self, uint64_t until) except *:
        cdef Retention store = self.store
        cdef FilterSet filters = self.group.filters
        cdef uint64_t limit = min(self.interest.visible, store.last_seq)
        cdef uint64_t seq
        cdef Block block = self.block
        cdef Py_ssize_t at, slot
        cdef const uint8_t* r
        cdef uint64_t looked = 0
        if self.loading:
            return NOT_YET
        if self.next_seq < self.resume and not self._skip():
            return NOT_YET
        if self.hint > self.next_seq:
            self.next_seq = self.hint
        self.hint = 0
        if self.next_seq > limit or self.group.matched == self.base:
            return self._at_end(limit)
        if not filters.every:
            return self._seek(limit)
        while True:
            if self.next_seq > limit:
                return self._at_end(limit)
            if block is None or not block.loaded or self.next_seq < block.first_seq \
                    or self.next_seq > block.last_seq:
                at = store.block_at(self.next_seq)
                if at >= len(store.blocks):
                    return self._at_end(limit)
                block = store.blocks[at]
                self.slot = -1
                if block.msgs == 0:
                    self.next_seq = block.last_seq + 1
                    looked += 1
                    continue
                if not block.loaded:
                    self.load(block)
                    return NOT_YET
            slot = self.slot + 1
            if not (self.block is block and 0 < slot < block.count
                    and u64(block.buf + block.offs[slot] + 4) == self.next_seq):
                slot = block.slot_from(max(self.next_seq, block.first_seq))
            self.block = block
            while slot < block.count:
                r = block.buf + block.offs[slot]
                seq = u64(r + 4)
                if seq > block.last_seq:
                    break
                if seq > limit:
                    self.next_seq = limit + 1
                    self.slot = slot - 1
                    return self._at_end(limit)
                looked += 1
                if block.deleted.size == 0 or not block.deleted.has(seq):
                    self.engine.routing.steps += looked >> SCAN_SHIFT
                    self.next_seq = seq
                    self.slot = slot
                    return FOUND if not self.original_pace else self._paced(stamp(r))
                slot += 1
                if looked >= SCAN_MOST:
                    self.engine.routing.steps += looked >> SCAN_SHIFT
                    self.next_seq = seq + 1
                    self.slot = slot - 1
                    return UNFINISHED
            self.next_seq = block.last_seq + 1

    cdef Found _seek(self, uint64_t limit) except *:
        """The next message of the filters."""
        cdef int64_t steps = SCAN_MOST
        cdef Sought sought
        if self.seeker is None or self.seeker.filters is not self.group.filters:
            self.seeker = Seeker(self.store, self.group.filters)
        sought = self.seeker.next(self.next_seq, limit, &steps)
        self.engine.routing.steps += max(SCAN_MOST - steps, 0) >> SCAN_SHIFT
        if sought == Sought.NOTHING:
            self.seeker.rest()
            return self._at_end(limit)
        self.next_seq = self.seeker.seq
        if sought == Sought.LATER:
            return UNFINISHED
        if sought == Sought.UNREAD:
            self.load(self.seeker.block)
            return NOT_YET
        self.block, self.slot = self.seeker.block, self.seeker.slot
        if not self.original_pace:
            return FOUND
        return self._paced(stamp(self.block.buf + self.block.offs[self.slot]))

    cdef bint _skip(self) except -1:
        """Goes to the next message of those to begin with, or past them; whether they are visible.
        """
        while self.firsts_at < len(self.firsts):
            self.next_seq = max(self.next_seq, <uint64_t>self.firsts[self.firsts_at])
            if self.store.is_live(self.firsts[self.firsts_at]):
                if self.next_seq <= self.interest.visible:
                    return True
                self.interest.rouse(self)
                return False
            self.firsts_at += 1
        self.firsts, self.firsts_at = [], 0
        self.next_seq = max(self.next_seq, self.resume)
        self.resume = 0
        return True

    cdef Found _at_end(self, uint64_t limit) except *:
        """Waits for the next message of its filters."""
        if self.next_seq <= limit:
            self.next_seq = limit + 1
        if self.far_seq:
            return NOTHING  # told when the stream comes there
        if self.pending():
            self.interest.rouse(self)  # it is there, but not visible yet
            return NOT_YET
        self.interest.starve(self)
        return NOTHING

    cdef Found _paced(self, int64_t ts) except *:
        """As many nanoseconds after the message before it as when they were stored."""
        cdef int64_t due
        if self.pace_ns == 0:
            return FOUND
        due = self.last_delivered_ns + (ts - self.pace_ns)
        if due <= wall_ns():
            return FOUND
        self.want_alarm(due)
        return NOT_YET

    cdef bint _send(self) except -1:
        """Delivers what was found. Whether there may be more to do."""
        cdef Message msg
        cdef char reply[REPLY_MAX]
        cdef size_t n
        cdef const uint8_t* r = self.block.buf + self.block.offs[self.slot]
        cdef bint fresh = self.entry == NULL
        cdef uint64_t seq = u64(r + 4), delivery = self.state.consumer_seq + 1
        cdef uint32_t count = 1 if fresh else self.entry.count + 1
        cdef int64_t now = self.now, ts = stamp(r)
        cdef Given given
        n = len(self.ack_head)
        memcpy(reply, <const char*>self.ack_head, n)
        n += put_number(reply + n, count)
        n += put_number(reply + n, seq)
        n += put_number(reply + n, delivery)
        n += put_number(reply + n, ts)
        n += pn_put_uint(reply + n, self.pending() - fresh)
        memset(&msg, 0, sizeof(msg))
        msg.reply = reply
        msg.reply_len = <uint32_t>n
        self._build(&msg, r)
        given = self.give(&msg, msg.subject_len + n + msg.total_len)
        self.engine.routing.steps += SEND_STEP + (msg.total_len >> STEP_BYTES_SHIFT)
        if given != GAVE:
            return given == NOBODY
        self.last_delivered_ns = now
        if fresh:
            self.base += 1
            self.next_seq = seq + 1
            self.pace_ns = ts
            if self.resume:
                self.firsts_at += 1
        else:
            self.again_head += 1
            self.entry = self.state.find(seq)  # what was run by the delivery may have moved it
            if self.entry != NULL:
                self.entry.queued = False
        self.state.delivered(delivery, seq, count, now)
        if self.state.policy == ACK_NONE:
            if self.retains:
                self.interest_done(seq)
        elif self.state.policy != ACK_FLOW and (
            self.bell.alarm_at == 0 or now + self.wait_ns(count) < self.bell.alarm_at
        ):
            self.want_alarm(now + self.wait_ns(count))
        self.gave()
        return True

    cdef int _build(self, Message* msg, const uint8_t* r) except -1:
        """Subject, headers and payload."""
        cdef size_t rl = u32(r) & ~HAS_HEADERS, hn = 0
        cdef const uint8_t* body
        cdef size_t size
        self.block.recent = True
        msg.subject = <const char*>r + HEAD
        msg.subject_len = <uint32_t>subject_size(r)
        body = r + HEAD + msg.subject_len
        if u32(r) & HAS_HEADERS:
            body = headers_of(r, &hn)
        size = (r + rl - 8) - body - hn
        msg.payload = <const char*>body
        msg.header_len = <uint32_t>hn
        msg.total_len = <uint32_t>(hn + size)
        if msg.total_len >= EXTERN_MIN:
            msg.lender = self.block.lend()
        if self.headers_only:
            self._rewrite(msg, b"Nats-Msg-Size: %d\r\n" % size + self.extra, False)
        elif self.extra:
            self._rewrite(msg, self.extra, True)
        return 0

    cdef int _make_room(self, size_t need) except -1:
        cdef uint8_t* grown
        if need > self.scratch_room:
            grown = <uint8_t*>realloc(self.scratch, need)
            if grown == NULL:
                raise MemoryError()
            self.scratch = grown
            self.scratch_room = need
        return 0

    cdef int _rewrite(self, Message* msg, bytes extra, bint with_body) except -1:
        """Adds lines to the headers."""
        cdef size_t hn = msg.header_len, size = msg.total_len - hn, at
        cdef const char* body = msg.payload + hn
        if not with_body:
            size = 0
        # Room for `detach` as well.
        self._make_room(hn + size + len(extra) + 16)
        if hn >= 4:
            memcpy(self.scratch, msg.payload, hn - 2)  # before the line that ends them
            at = hn - 2
        else:
            memcpy(self.scratch, b"NATS/1.0\r\n", 10)
            at = 10
        memcpy(self.scratch + at, <const char*>extra, len(extra))
        at += len(extra)
        memcpy(self.scratch + at, b"\r\n", 2)
        at += 2
        if size:
            memcpy(self.scratch + at, body, size)
        msg.lender = NULL
        msg.payload = <const char*>self.scratch
        msg.header_len = <uint32_t>at
        msg.total_len = <uint32_t>(at + size)
        return 0

    cdef int detach(self, Message* msg) except -1:
        cdef size_t total = msg.total_len
        cdef bint own = msg.payload == <const char*>self.scratch
        self._make_room(total + msg.subject_len)
        if not own:
            memcpy(self.scratch, msg.payload, total)
        memcpy(self.scratch + total, msg.subject, msg.subject_len)
        msg.lender = NULL
        msg.payload = <const char*>self.scratch
        msg.subject = <const char*>self.scratch + total
        return 0

    cdef int interest_done(self, uint64_t seq) except -1:
        """The consumer needs a message no more that the stream keeps for its consumers' sake."""
        return self.interest.release(seq)

    # -- again --------------------------------------------------------------------------------

    cdef int64_t wait_ns(self, uint32_t count) noexcept:
        """How long the acknowledgement of the `count`-th delivery is waited for."""
        cdef Py_ssize_t n = len(self.backoff_ns)
        if n:
            return self.backoff_ns[min(max(<Py_ssize_t>count, 1), n) - 1]
        return self.ack_wait_ns

    cdef int put_again(self, Entry* entry) except -1:
        cdef size_t room
        cdef uint64_t* grown
        if entry.queued:
            return 0
        if self.again_tail == self.again_room:
            if self.again_head > self.again_room // 2:
                memmove(
                    self.again, self.again + self.again_head,
                    (self.again_tail - self.again_head) * sizeof(uint64_t),
                )
                self.again_tail -= self.again_head
                self.again_head = 0
            else:
                room = max(self.again_room * 2, 16)
                grown = <uint64_t*>realloc(self.again, room * sizeof(uint64_t))
                if grown == NULL:
                    raise MemoryError()
                self.again, self.again_room = grown, room
        self.again[self.again_tail] = entry.seq
        self.again_tail += 1
        entry.queued = True
        return 0

    cdef int exhaust(self, Entry* entry) except -1:
        """A message has been delivered as often as it may."""
        cdef uint64_t seq = entry.seq
        cdef uint32_t count = entry.count
        entry.queued = False
        self.state.spent(seq)
        self.changed()
        self.host.exhausted(seq, count)
        return 0

    cdef int64_t expire(self, int64_t now) except -1:
        """Puts in the queue what was waited for long enough; when the next one is due, 0 = never."""
        cdef size_t at
        cdef Entry* entry
        cdef int64_t soonest = 0, due
        if self.state.policy in (ACK_NONE, ACK_FLOW) or self.state.open == 0:
            return 0
        at = self.state.head
        while at < self.state.tail:
            entry = &self.state.entries[at]
            at += 1
            if entry.fate != OPEN or entry.queued:
                continue
            due = entry.ts + self.wait_ns(entry.count)
            if due <= now:
                if self.max_deliver and entry.count >= self.max_deliver:
                    self.exhaust(entry)
                else:
                    self.put_again(entry)
            elif soonest == 0 or due < soonest:
                soonest = due
        return soonest

    # -- acknowledgements ---------------------------------------------------------------------

    cdef int ack(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1:
        """What a +ACK does, and +NXT and +TERM among other things."""
        cdef bint was_full = self.is_at_limit()
        done = None
        if self.retains:
            done = self._closed_by(seq)
        if self.state.acked(delivery, seq):
            self.last_acked_ns = wall_ns()
        self.changed()
        if done:
            for one in done:
                self.interest_done(one)
        if was_full:
            self.wake()
        return 0

    cdef int confirm(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1:
        """+ACK, which may be measured."""
        cdef Entry* entry
        if self.sample and self.state.policy == ACK_EXPLICIT:
            entry = self.state.find(seq)
            if entry != NULL and pn_below(&self.engine.routing.random, 100) < self.sample:
                self.host.sampled(seq, delivery, count, wall_ns() - entry.ts)
        return self.ack(delivery, seq, count)

    cdef bint is_mine(self, uint64_t seq) except -1:
        """Whether a stored message is one of its filters."""
        cdef const uint8_t* r = self.interest.record(seq)
        return r != NULL and (
            self.group.filters.every or self.group.filters.covers(r + HEAD, subject_size(r))
        )

    def _closed_by(self, uint64_t seq) -> list:
        """Sequences that an acknowledgement of `seq` closes."""
        cdef size_t at
        if self.state.policy == ACK_EXPLICIT:
            # It may be out of deliveries, or from before a reset: then the state has forgotten it.
            return [seq] if self.state.find(seq) != NULL or self.is_mine(seq) else []
        found = []
        at = self.state.head
        while at < self.state.tail and self.state.entries[at].seq <= seq:
            if self.state.entries[at].fate in (OPEN, SPENT):
                found.append(self.state.entries[at].seq)
            at += 1
        return found

    cdef int nak(self, uint64_t delivery, uint64_t seq, uint32_t count, delay_ns) except -1:
        """Is to be delivered again, after a delay if that is above 0."""
        cdef Entry* entry = self.state.find(seq)
        if entry == NULL or entry.fate != OPEN:
            return 0
        self.host.naked(seq, delivery, count)
        if delay_ns > 0:
            # What the deadline is counted from, so that it comes after the delay.
            entry.queued = False
            return self.wait_from(entry, wall_ns() - self.wait_ns(1) + delay_ns)
        if self.max_deliver and entry.count >= self.max_deliver:
            self.exhaust(entry)  # which may make place for another one
        else:
            self.put_again(entry)
        return self.wake()

    def progress(self, uint64_t seq) -> None:
        """Somebody works on it: the wait begins anew."""
        cdef Entry* entry = self.state.find(seq)
        if entry != NULL and entry.fate == OPEN:
            self.wait_from(entry, wall_ns())

    cdef int wait_from(self, Entry* entry, int64_t ts) except -1:
        self.state.delivered(entry.delivery, entry.seq, entry.count, ts)
        self.changed()
        self.want_alarm(ts + self.wait_ns(entry.count))
        return 0

    cdef int terminate(self, uint64_t delivery, uint64_t seq, uint32_t count, reason) except -1:
        """Is not to be delivered again."""
        self.host.terminated(seq, delivery, count, reason)
        return self.ack(delivery, seq, count)

    def acknowledge(self, delivery: int, seq: int) -> None:
        """As an +ACK would."""
        self.ack(delivery, seq, 1)

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
