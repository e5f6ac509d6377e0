"""See finding.pxd."""
from libc.stdint cimport uint8_t

from pynats_server.jetstream.clock cimport steady_ns
from pynats_server.jetstream.store.record cimport stamp, u64
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.seeker cimport Seeker, Sought
from pynats_server.jetstream.store.seqset cimport SequenceSet

cdef enum:
    SCAN_SHIFT = 3  # records that are looked at for one step, as a shift
    SCAN_MOST = 4096  # records of a search before the budget is looked at
    FIRSTS = 512  # of those to begin with, looked at in one slice


cdef class Finder(Member):
    def __init__(self, host, Interest interest not None, Alarms alarms not None, Alarmed bell not None,
                 uint64_t start):
        self.host = host
        self.interest = interest
        self.store = interest.store
        self.engine = interest.engine
        self.alarms = alarms
        self.bell = bell
        self.next_seq = start
        self.firsts = SequenceSet()

    # -- life ---------------------------------------------------------------------------------

    def hold(self) -> None:
        """Delivers nothing until it is counted what is before it, which `counting` does."""
        self.held = True

    def counting(self):
        """Counts what is before it, in slices (a `Work`), and goes on."""
        cdef uint64_t start, found
        self.held = True
        try:
            yield from self._drop_gone_firsts()
            while self.group is not None:
                start = max(self.next_seq, self.resume)
                group = self.group
                found = yield from self.store.counting_from(self.group.filters, start)
                if self.group is group and start == max(self.next_seq, self.resume):
                    self.base = self.group.matched - found - self.firsts.size
                    break
        finally:
            self.held = False
        self.wake()

    def _drop_gone_firsts(self):
        """Those to begin with that had gone before the stream told of that are none (a `Work`)."""
        cdef uint64_t at = 0
        while True:
            some = self.firsts.members(at, FIRSTS)
            if not some:
                return
            for seq in some:
                if not self.store.is_live(seq):
                    self.firsts.discard(seq)
            at = <uint64_t>some[len(some) - 1] + 1
            yield

    def begin_with(self, SequenceSet firsts not None, uint64_t resume) -> None:
        """Delivers these messages first, which are all before `resume`, and goes on there."""
        self.firsts = firsts
        self.resume = resume

    def go_ahead(self) -> None:
        """Something may be delivered that could not before."""
        self.wake()

    cdef int wake(self) except -1:
        if not self.stopped:
            self.ask_turn()
        return 0

    cdef int want_alarm(self, int64_t at) except -1:
        return self.alarms.want(self.bell, at)

    # -- figures ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Takes note of what has left the stream, before its figures are looked at."""
        if self.lag:
            self.interest.settle(self)

    cdef uint64_t pending(self) except? 0xFFFFFFFFFFFFFFFF:
        if self.lag:
            self.interest.settle(self)
        if self.group is None or self.far_seq or self.next_seq > self.store.last_seq:
            return 0
        return self.group.matched - self.base

    @property
    def num_pending(self) -> int:
        """Messages of its filters that it has not delivered yet."""
        return self.pending()

    @property
    def joined(self) -> bool:
        """Whether its stream tells it of messages."""
        return self.group is not None

    cdef uint64_t ahead(self) except? 0xFFFFFFFFFFFFFFFF:
        cdef uint64_t start = max(self.next_seq, self.resume)
        cdef FilterSet filters = self.group.filters
        return self.firsts.size + <uint64_t>self.store.count_from(filters, start)

    cdef bint needs(self, uint64_t seq) noexcept:
        return seq >= self.next_seq if seq >= self.resume else self.firsts.has(seq)

    # -- searching ----------------------------------------------------------------------------

    cdef Found find_new(self) except *:
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
        cdef uint64_t first = self.firsts.next_present(self.next_seq)
        while first:
            self.next_seq = first
            if self.store.is_live(first):
                if first <= self.interest.visible:
                    return True
                self.interest.rouse(self)
                return False
            self.firsts.remove(first)
            first = self.firsts.next_present(first)
        self.firsts = SequenceSet()
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
        if due <= steady_ns():
            return FOUND
        self.want_alarm(due)
        return NOT_YET

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

    # -- what it has found, and what it never will ----------------------------------------------

    cdef int passed(self, uint64_t seq, int64_t ts) except -1:
        self.base += 1
        self.next_seq = seq + 1
        self.pace_ns = ts
        if self.resume:
            self.firsts.remove(seq)
        return 0

    cdef int missing(self, uint64_t seq) except -1:
        if seq >= self.resume or self.firsts.remove(seq):
            self.base += 1
        return 0

    cdef bint is_at_work(self) noexcept:
        return self.serving or self.held

    cdef int swept(self) except -1:
        self.hint = 0
        self.firsts.remove_below(self.store.first_seq)
        for seq in list(self.firsts) if self.firsts.size else ():
            if not self.store.is_live(seq):
                self.firsts.discard(seq)
        return 0
