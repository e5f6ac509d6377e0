"""See awaiting.pxd."""
from libc.stdlib cimport free, realloc
from libc.string cimport memmove

from pynats_server.core.native cimport pn_below
from pynats_server.jetstream.clock cimport after, steady_ns
from pynats_server.jetstream.consumer.delivery.entries cimport OPEN, SPENT
from pynats_server.jetstream.consumer.delivery.finding cimport FOUND, NOT_YET, NOTHING, UNFINISHED
from pynats_server.jetstream.consumer.delivery.state cimport (
    ACK_EXPLICIT, ACK_FLOW, ACK_NONE, Snapshot,
)
from pynats_server.jetstream.store.record cimport HEAD, subject_size

cdef enum:
    LOOK = 4096  # entries that are looked at in one go for those that are due
    EXHAUST_LOOKS = 128  # as many of them as telling that one is out of deliveries takes
    LOOK_SHARE_NS = 50  # until the next look, for each entry: ten times as long as looking takes
    SKIP = 1024  # of the queue, what has been acknowledged meanwhile
    SKIP_SHIFT = 2  # of it in a step, as a shift
    RELEASE_AT_ONCE = 64  # messages that an acknowledgement of all up to one removes


cdef class Awaiting(Finder):
    def __init__(self, host, ConsumerState state not None, Interest interest not None,
                 Alarms alarms not None, Alarmed bell not None):
        super().__init__(host, interest, alarms, bell, state.stream_seq + 1)
        self.state = state
        self.marked = state.changes
        self.backoff_ns = []

    def __dealloc__(self):
        free(self.again)

    cdef int changed(self) except -1:
        """Has the state saved."""
        if self.marked != self.state.changes:
            self.marked = self.state.changes
            if not self.state.dirty:
                self.state.dirty = True
                self.host.changed()
        return 0

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
            self.missing(seq)
        else:
            entry = self.state.find(seq)
            if entry != NULL:
                delivery, count = entry.delivery, entry.count
                if entry.fate == OPEN and not purged:
                    self.host.terminated(seq, delivery, count, "Unacknowledged message was deleted")
                self.strike(seq)
        return 0

    cdef bint is_at_work(self) noexcept:
        return Finder.is_at_work(self) or self.state.head < self.state.tail

    cdef int curtailed(self) except -1:
        if self.store.first_seq > self.state.floor_stream + 1 or (
            self.state.held == 0 and self.state.floor_consumer != self.state.consumer_seq
        ):
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
        Finder.swept(self)
        self.state.purged(self.store.first_seq)
        self.next_seq = max(self.next_seq, self.state.stream_seq + 1)
        self.next_seq = min(self.next_seq, max(self.store.last_seq, self.state.stream_seq) + 1)
        self.changed()
        return 0

    cdef bint needs(self, uint64_t seq) noexcept:
        # Also what is out of deliveries: somebody must see it.
        return Finder.needs(self, seq) if seq >= self.next_seq else self.state.find(seq) != NULL

    cdef uint64_t lowest(self) noexcept:
        if self.state.head < self.state.tail:
            return min(self.next_seq, self.state.at(self.state.head).seq)
        return self.next_seq

    cdef uint64_t done_to(self) noexcept:
        return self.state.floor_stream

    # -- again --------------------------------------------------------------------------------

    def again_from_start(self) -> None:
        """What waits for an acknowledgement is delivered again, in order."""
        cdef int64_t now = steady_ns()
        self.due_before = now
        self.looking = 0
        self.look_at = 0
        self.want_alarm(self.expire(now))
        self.wake()

    cdef Found find_again(self) except *:
        cdef uint64_t seq
        cdef Entry* entry
        cdef Block block
        cdef uint32_t passed = 0
        while self.again_head != self.again_tail:
            if passed == SKIP:
                self.engine.routing.steps += passed >> SKIP_SHIFT
                return UNFINISHED
            passed += 1
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

    cdef int delivered(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t now) except -1:
        self.state.delivered(delivery, seq, count, now)
        if self.state.policy == ACK_NONE:
            if self.retains:
                self.interest_done(seq)
        elif self.state.policy != ACK_FLOW:
            self.wait_until(after(now, self.wait_ns(count)))
        return 0

    cdef int wait_until(self, int64_t due) except -1:
        """Somebody is waited for until then."""
        if self.look_at == 0 or due < self.look_at:
            self.look_at = due
            return self.want_alarm(due)
        return 0

    cdef uint64_t deliverable(self) except? 0xFFFFFFFFFFFFFFFF:
        return self.pending() + self.state.queued

    cdef bint has_again(self) noexcept:
        return self.state.queued != 0

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
        self.state.mark(entry, True)
        return 0

    cdef int exhaust(self, Entry* entry) except -1:
        """A message has been delivered as often as it may."""
        cdef uint64_t seq = entry.seq
        cdef uint32_t count = entry.count
        self.state.spent(seq)
        self.changed()
        self.host.exhausted(seq, count)
        return 0

    cdef int64_t expire(self, int64_t now) except -1:
        """Puts in the queue what was waited for long enough, looking at some at a time; when to
        look on, or again; 0 = never."""
        cdef ConsumerState state = self.state
        cdef size_t place
        cdef Entry* entry
        cdef int64_t due
        cdef uint64_t seq
        cdef int left = LOOK
        if state.policy in (ACK_NONE, ACK_FLOW) or state.open == 0:
            self.looking = self.due_before = self.look_at = 0
            return 0
        if self.looking == 0:
            if self.look_at > now:
                return self.look_at
            self.soonest = self.look_at = 0
        place = state.place(self.looking)
        while place < state.tail:
            entry = state.at(place)
            seq = entry.seq
            if left <= 0:
                self.looking = seq
                return now + 1
            place += 1
            left -= 1
            if entry.fate != OPEN or entry.queued:
                continue
            due = after(entry.ts, self.wait_ns(entry.count))
            if due <= now or entry.ts <= self.due_before:
                if self.max_deliver and entry.count >= self.max_deliver:
                    left -= EXHAUST_LOOKS
                    self.exhaust(entry)
                    place = state.place(seq + 1)  # what was told may have changed it
                else:
                    self.put_again(entry)
            elif self.soonest == 0 or due < self.soonest:
                self.soonest = due
        self.looking = self.due_before = 0
        if self.look_at and (self.soonest == 0 or self.look_at < self.soonest):
            self.soonest = self.look_at  # what was delivered meanwhile
        if self.soonest:
            self.look_at = max(
                self.soonest, now + LOOK_SHARE_NS * <int64_t>(state.tail - state.head)
            )
        return self.look_at

    # -- acknowledgements ---------------------------------------------------------------------

    cdef int ack(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1:
        """What a +ACK does, and +NXT and +TERM among other things."""
        cdef bint was_full = self.is_at_limit()
        cdef Snapshot closed = None
        cdef bint is_alone = self.state.policy == ACK_EXPLICIT
        cdef bint is_known = False
        if self.retains:
            if not is_alone:
                closed = self.state.snapshot()
            else:
                # It may be out of deliveries, or from before a reset: then the state has forgotten.
                is_known = self.state.find(seq) != NULL or self.is_mine(seq)
        if self.state.acked(delivery, seq):
            self.last_acked_ns = self.alarms.now_ns()
        self.changed()
        if is_known:
            self.interest_done(seq)
        elif closed is not None:
            self.release_to(closed, seq)
        if was_full:
            self.wake()
        return 0

    cdef int release_to(self, Snapshot closed, uint64_t last) except -1:
        """All that was waited for up to a sequence is needed no more."""
        if closed.place(last + 1) - closed.head > RELEASE_AT_ONCE:
            self.host.release(closed, last)
        else:
            self.interest.release_all(closed.sequences(0, last, RELEASE_AT_ONCE))
        return 0

    cdef int confirm(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1:
        """+ACK, which may be measured."""
        cdef Entry* entry
        if self.sample and self.state.policy == ACK_EXPLICIT:
            entry = self.state.find(seq)
            if entry != NULL and pn_below(&self.engine.routing.random, 100) < self.sample:
                self.host.sampled(seq, delivery, count, steady_ns() - entry.ts)
        return self.ack(delivery, seq, count)

    cdef int interest_done(self, uint64_t seq) except -1:
        """The consumer needs a message no more that the stream keeps for its consumers' sake."""
        return self.interest.release(seq)

    cdef bint is_mine(self, uint64_t seq) except -1:
        """Whether a stored message is one of its filters."""
        cdef const uint8_t* r = self.interest.record(seq)
        return r != NULL and (
            self.group.filters.every or self.group.filters.covers(r + HEAD, subject_size(r))
        )

    cdef int nak(self, uint64_t delivery, uint64_t seq, uint32_t count, int64_t delay_ns) except -1:
        """Is to be delivered again, after a delay if that is above 0."""
        cdef Entry* entry = self.state.find(seq)
        if entry == NULL or entry.fate != OPEN:
            return 0
        self.host.naked(seq, delivery, count)
        if delay_ns > 0:
            # What the deadline is counted from, so that it comes after the delay.
            self.state.mark(entry, False)
            return self.wait_from(entry, after(steady_ns() - self.wait_ns(1), delay_ns))
        if self.max_deliver and entry.count >= self.max_deliver:
            self.exhaust(entry)  # which may make place for another one
        else:
            self.put_again(entry)
        return self.wake()

    def progress(self, uint64_t seq) -> None:
        """Somebody works on it: the wait begins anew."""
        cdef Entry* entry = self.state.find(seq)
        if entry != NULL and entry.fate == OPEN:
            self.wait_from(entry, steady_ns())

    cdef int wait_from(self, Entry* entry, int64_t ts) except -1:
        cdef uint32_t count = entry.count
        self.state.delivered(entry.delivery, entry.seq, count, ts)
        self.changed()
        return self.wait_until(after(ts, self.wait_ns(count)))

    cdef int terminate(self, uint64_t delivery, uint64_t seq, uint32_t count, reason) except -1:
        """Is not to be delivered again."""
        self.host.terminated(seq, delivery, count, reason)
        return self.ack(delivery, seq, count)

    def acknowledge(self, delivery: int, seq: int) -> None:
        """As an +ACK would."""
        self.ack(delivery, seq, 1)
