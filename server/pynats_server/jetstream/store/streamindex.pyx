"""What every store knows of a stream without reading it: an index over its blocks, compiled.

The subject tree and the blocks' deleted sets are kept for the whole stream, the buffers only for
blocks in use, so memory grows with subjects and interior deletes and not with messages; only
columns take four bytes for each, up to a limit, in streams that are read by subject.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.clock cimport steady_ns, wall_ns
from pynats_server.jetstream.store.ages.turns cimport STEP_NS, Turns
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.expiry cimport (HAS_SCHEDULE, HAS_TTL, ExpiryQueue, expiry,
                        header_marks)
from pynats_server.jetstream.store.record cimport (HAS_HEADERS, HEAD, HELD_MAX, RECORD_MAX, SEQ_MASK, counted_in,
                        counted_size, record_size, stamp, subject_size, u32, u64)
from pynats_server.jetstream.store.subjects cimport (FIRST_STALE, LAST_STALE, Leaf, SubjectTree,
                        ring_drop, ring_push, ring_take)

from pynats_server.jetstream.store.errors import (CorruptRecord, OutOfSequences, SequenceNotFound, StoreFailed, TooLarge)

# A message counts this much less in memory than its record, with headers, takes in the buffer.
cdef size_t LIGHTER = record_size(0, 1, 0) - counted_size(False, 0, 1, 0)
cdef size_t SPARSE_DISK = 2 * 1024 * 1024
cdef size_t SPARSE_MEMORY = 64 * 1024

cdef enum:
    FEW = 16               # turns, or
    SMALL = 1 << 16        # bytes: then a turn begins no new block
    WIDE = 1 << 16         # sequences of a block that may be missing from it, and
    WIDTH = 16             # as many more for each message, before a column takes too much memory
    COLUMN_ROOM = 1 << 26  # bytes for the columns of a stream: 16 million messages


cdef class Counter:
    cdef void came(self, uint64_t seq, Leaf *leaf) noexcept:
        """A message was appended; its subject counts it already."""

    cdef void gone(self, uint64_t seq, Leaf *leaf) noexcept:
        """A live message is about to go; its subject counts it still."""

    cdef void swept(self) noexcept:
        """Anything may have changed."""


cdef class StreamIndex:
    """State of one stream over its blocks. Subclasses supply `roll_block` and `load_block`."""

    def __cinit__(self, *args, **kwargs):
        self.blocks = []
        self.tree = SubjectTree()
        self.first_seq, self.last_seq = 1, 0
        self.block_size = 8 * 1024 * 1024
        self.failed = None
        self.expiries = ExpiryQueue()
        self.turns = Turns()
        self.column_room = COLUMN_ROOM

    def roll_block(self):
        raise NotImplementedError

    def load_block(self, block):
        raise NotImplementedError

    def glance(self, blocks):
        """Learn cheaply which of some unloaded blocks are plain, if there is a way."""

    def on_dirty(self):
        """Called when the first change since the last flush arrives."""

    def on_sparse(self, block):
        """Called when a finished block holds more dead bytes than live ones."""

    def reap(self):
        """Called when a block other than the tail has no live message left."""

    cpdef bint is_sparse(self, Block block):
        """Whether a rewrite of a block would free more than half of it."""
        cdef size_t used = block.size - block.kept
        cdef size_t live = block.nbytes if self.on_disk else block.nbytes + LIGHTER * block.msgs
        return block.size > block.kept and live * 2 < used \
            and used > (SPARSE_DISK if self.on_disk else SPARSE_MEMORY)

    def size_of(self, size_t subject_size, size_t headers_size, size_t payload_size):
        """What a message with these sizes adds to `nbytes`."""
        return counted_size(self.on_disk, subject_size, headers_size, payload_size)

    cpdef int touch(self) except -1:
        """Note that something waits for a flush."""
        if not self.dirty:
            self.dirty = True
            self.on_dirty()
        return 0

    cpdef int64_t time_for(self, int64_t now) noexcept:
        """The time of the next message. A clock that was set back a little is waited for; else the
        order of times would count for more than the times."""
        if now < self.last_ts and self.last_ts - now <= STEP_NS:
            return self.last_ts
        return now

    cpdef int turn_back(self, int64_t ts) except -1:
        """What comes next has an earlier time than the last message. It gets a block of its own, by
        whose bounds the next start sees it; but not any number of small ones."""
        cdef int64_t by_ns = self.last_ts - ts
        if by_ns <= STEP_NS or self.msgs == 0:
            return 0
        if self.tail is not None and self.tail.msgs \
                and (len(self.turns) < FEW or self.tail.size >= SMALL):
            self.roll_block()
        self.turns.note(self.last_seq + 1, self.last_ts, ts, steady_ns())
        self.on_turn(by_ns)
        return 0

    def on_turn(self, by_ns):
        """Called when the times of messages go back."""

    def find_turns(self):
        """Find where times go back, by the bounds of the blocks."""
        cdef Block block
        cdef int64_t latest = 0, steady = steady_ns(), now = wall_ns()
        cdef bint begun = False
        for block in self.blocks:
            if not block.msgs:
                continue
            if begun and latest - block.first_ts > STEP_NS:
                self.turns.note(block.first_seq, latest, block.first_ts, steady)
            latest, begun = max(block.first_ts, block.last_ts), True
        if begun and latest - now > STEP_NS:
            self.turns.note(self.last_seq + 1, latest, now, steady)

    cdef uint64_t append_raw(self, const uint8_t *subject, size_t sn, const uint8_t *hdr,
                             size_t hn, const uint8_t *msg, size_t mn, int64_t ts) except 0:
        """The hot path: one record into the tail block's buffer. Nothing changes on an error."""
        cdef size_t rl = record_size(sn, hn, mn)
        cdef uint64_t seq = self.last_seq + 1, counted
        cdef Block tail
        cdef Column column
        cdef Leaf *leaf
        cdef int64_t ttl = 0
        cdef int marks = 0
        if self.failed is not None:
            raise StoreFailed(str(self.failed))
        if rl > RECORD_MAX and (self.on_disk or rl > HELD_MAX) or sn > 65535:
            raise TooLarge("message too large")
        if seq > SEQ_MASK or seq == 0:
            raise OutOfSequences(f"no sequence is left after {self.last_seq}")
        if ts < self.last_ts:
            self.turn_back(ts)
        tail = self.tail
        if tail is None or (tail.size + rl > self.block_size and tail.size):
            tail = self.roll_block()
            if self.columns:
                self.begin_column(tail, seq)
        if hn:
            marks = header_marks(hdr, hn, &ttl)
            if ttl > 0:
                self.expiries.reserve()
        leaf = self.tree.get_or_add(subject, sn)
        if self.listing is not None:
            self.listing.note(leaf)
        try:
            tail.put(seq, ts, subject, sn, hdr, hn, msg, mn)
        except MemoryError:
            if leaf.total == 0:
                self.tree.drop(subject, sn)
            raise
        if leaf.total == 0:
            leaf.first = seq
            leaf.flags = 0
        elif leaf.ring != NULL:
            ring_push(leaf, seq)
        elif self.rings and leaf.total == 1 and not leaf.flags:
            ring_push(leaf, leaf.first)
            if leaf.ring != NULL:
                ring_push(leaf, seq)
        leaf.total += 1
        leaf.last = seq
        leaf.flags &= ~LAST_STALE
        column = tail.column
        if column is not None and column.whole:
            if not self.suits_column(tail, seq) or not column.put(seq, leaf.id):
                tail.column = None
        if marks:
            tail.ttls += marks & HAS_TTL
            tail.schedules += (marks & HAS_SCHEDULE) >> 1
            if ttl > 0:
                self.expiries.insert(expiry(ts, ttl), seq)
        counted = rl if self.on_disk else counted_size(False, sn, hn, mn)
        if tail.msgs == 0:
            tail.first_seq, tail.first_ts = seq, ts
            tail.deleted.wipe()
        elif seq != tail.last_seq + 1:
            tail.deleted.insert_range(tail.last_seq + 1, seq - 1)
        tail.last_seq, tail.last_ts = seq, ts
        tail.msgs += 1
        tail.nbytes += counted
        if self.msgs == 0:
            self.first_seq, self.first_ts = seq, ts
        self.last_seq, self.last_ts = seq, ts
        self.msgs += 1
        self.nbytes += counted
        self.touch()
        if self.counters is not None:
            self.tell_came(seq, leaf)
        if self.witness is not None:
            self.witness.came(seq, subject, sn)
        return seq

    cdef int tell_came(self, uint64_t seq, Leaf *leaf) except -1:
        cdef Counter counter
        for counter in self.counters:
            counter.came(seq, leaf)
        return 0

    def attend(self, Counter counter not None):
        """Tell a counter of changes until it is `dismiss`ed."""
        self.uses += 1
        self.counters = (self.counters or []) + [counter]

    def dismiss(self, Counter counter not None):
        """The counter is done."""
        self.counters = [each for each in self.counters if each is not counter] or None

    def keep_columns(self):
        """Keep from now on who has which sequence. Blocks of before get their column when it is
        needed."""
        self.columns = True

    cdef bint suits_column(self, Block block, uint64_t seq) noexcept:
        """Whether the sequences of a block's live messages, up to `seq`, are near enough."""
        cdef uint64_t base = block.first_seq if block.column is None else block.column.base
        return seq < base or seq - base < WIDE + WIDTH * block.msgs

    cdef int begin_column(self, Block block, uint64_t seq) except -1:
        """Keep a column for a block, whose first live message is to have the sequence `seq`. Those
        that were used longest ago go where there are too many."""
        cdef Block other, oldest
        cdef size_t used
        block.column = Column(seq)
        block.column.whole = not block.msgs
        while True:
            used, oldest = 0, None
            for other in self.blocks:
                if other.column is not None and other is not block:
                    used += other.column.room * 4
                    if oldest is None or other.column.used_at < oldest.column.used_at:
                        oldest = other
            if used <= self.column_room or oldest is None:
                return 0
            oldest.column = None

    def append(self, bytes subject not None, bytes headers, bytes payload, int64_t ts):
        """Store a message; returns its sequence at once (see `commit` for durability)."""
        return self.append_raw(
            <const uint8_t *>PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject),
            <const uint8_t *>PyBytes_AS_STRING(headers) if headers is not None else NULL,
            PyBytes_GET_SIZE(headers) if headers is not None else 0,
            <const uint8_t *>PyBytes_AS_STRING(payload) if payload is not None else NULL,
            PyBytes_GET_SIZE(payload) if payload is not None else 0, ts)

    def append_many(self, list messages, int64_t ts):
        """[(subject, headers or None, payload)] with one timestamp; returns the last sequence."""
        cdef uint64_t seq = self.last_seq
        for subject, headers, payload in messages:
            seq = self.append(subject, headers, payload, ts)
        return seq

    cpdef Py_ssize_t block_at(self, uint64_t seq):
        """Index in `blocks` of the first block whose last sequence is >= `seq`."""
        cdef Py_ssize_t low = 0, high = len(self.blocks), middle
        while low < high:
            middle = (low + high) >> 1
            if (<Block>self.blocks[middle]).last_seq < seq:
                low = middle + 1
            else:
                high = middle
        return low

    cdef Block holder(self, uint64_t seq):
        cdef Py_ssize_t at
        cdef Block block
        if self.tail is not None and self.tail.first_seq <= seq <= self.tail.last_seq:
            block = self.tail
        else:
            at = self.block_at(seq)
            if at >= len(self.blocks):
                return None
            block = self.blocks[at]
        if seq < block.first_seq or block.deleted.has(seq):
            return None
        if not block.loaded:
            self.load_block(block)
        block.recent = True
        return block

    def load(self, uint64_t seq):
        """The message; SequenceNotFound when there is none, CorruptRecord when it is damaged."""
        cdef Block block = self.holder(seq)
        cdef Py_ssize_t at
        if block is None:
            raise SequenceNotFound(seq)
        at = block.slot(seq)
        if at < 0:
            if not self.is_live(seq):  # reading the block has shown that it is lost
                raise SequenceNotFound(seq)
            raise CorruptRecord(f"sequence {seq} should be in block {block.index} and is not")
        return block.message(at)

    cpdef int tell_swept(self) except -1:
        """Tell of changes that nobody was told of one by one."""
        cdef Counter counter
        if self.counters is not None:
            for counter in self.counters:
                counter.swept()
        if self.witness is not None:
            self.witness.swept()
        return 0

    cdef int take(self, Block block, Py_ssize_t at, bint purged) except -1:
        """Take the live message in a slot out of the index. No disk work."""
        cdef const uint8_t *r = block.buf + block.offs[at]
        cdef size_t sn = subject_size(r), counted = counted_in(self.on_disk, r)
        cdef uint64_t seq = u64(r + 4)
        cdef int64_t ttl
        cdef int marks
        self.leave(r + HEAD, sn, seq)
        if u32(r) & HAS_HEADERS and (block.ttls or block.schedules):
            marks = block.marks_at(at, &ttl)
            block.schedules -= (marks & HAS_SCHEDULE) >> 1
            if marks & HAS_TTL:
                block.ttls -= 1
                self.stale += 1
        block.msgs -= 1
        block.nbytes -= counted
        self.msgs -= 1
        self.nbytes -= counted
        self.strike(block, seq)
        if self.witness is not None:
            self.witness.gone(seq, r + HEAD, sn, purged)
        return 0

    cdef int strike(self, Block block, uint64_t seq) except -1:
        """Note in a block's bounds and deleted set that a message, already uncounted, is gone."""
        cdef Py_ssize_t at
        if block.column is not None:
            block.column.strike(seq)
        if block.msgs == 0:
            # What is left are the bytes of messages that could not be read.
            self.nbytes -= block.nbytes
            block.nbytes = 0
            block.first_seq, block.first_ts = block.last_seq + 1, 0
            block.deleted.wipe()
        elif seq == block.first_seq:
            block.first_seq = seq + 1
            if block.deleted.size:
                block.first_seq = block.deleted.next_absent(seq + 1)
                block.deleted.remove_below(block.first_seq)
            at = block.slot(block.first_seq)
            if at >= 0:
                block.first_ts = stamp(block.buf + block.offs[at])
        else:
            block.deleted.insert(seq)
        if seq == self.first_seq:
            self.find_first()
        return 0

    cdef void leave(self, const uint8_t *subject, size_t sn, uint64_t seq) noexcept:
        """One message less of a subject."""
        cdef Leaf *leaf = self.tree.get(subject, sn)
        cdef Counter counter
        if leaf == NULL:
            return
        if self.counters is not None:
            for counter in self.counters:
                counter.gone(seq, leaf)
        if self.listing is not None:
            self.listing.note(leaf)
        if leaf.total <= 1:
            self.tree.drop(subject, sn)
            return
        leaf.total -= 1
        if leaf.ring != NULL:
            ring_take(leaf, seq)
            if leaf.ring.count == leaf.total:
                leaf.first = leaf.ring.seqs[leaf.ring.head]
                leaf.last = leaf.ring.seqs[leaf.ring.head + leaf.ring.count - 1]
                leaf.flags = 0
                return
            ring_drop(leaf)
        if seq <= leaf.first:
            leaf.first = seq + 1
            leaf.flags |= FIRST_STALE
        if seq >= leaf.last:
            leaf.last = seq - 1
            leaf.flags |= LAST_STALE
        if leaf.total == 1 and leaf.flags == FIRST_STALE:
            leaf.first = leaf.last
            leaf.flags = 0
        elif leaf.total == 1 and leaf.flags == LAST_STALE:
            leaf.last = leaf.first
            leaf.flags = 0

    def unlink(self, uint64_t seq):
        """Take a live message out of the index; returns (subject, ts) or None. No disk work."""
        cdef Block block = self.holder(seq)
        cdef Py_ssize_t at
        cdef const uint8_t *r
        if block is None:
            return None
        at = block.slot(seq)
        if at < 0:
            if not self.is_live(seq):  # as in `load`
                return None
            raise CorruptRecord(f"sequence {seq} should be in block {block.index} and is not")
        self.take(block, at, False)
        r = block.buf + block.offs[at]
        return (<const char *>r + HEAD)[:subject_size(r)], stamp(r)

    def abandon(self, uint64_t seq):
        """Stop counting a live message whose record cannot be read. Its subject is unknown, so
        that one's total stays too high until the next full scan. The witness learned that it is
        lost when the block was read."""
        cdef Block block = self.holder(seq)
        if block is not None and block.slot(seq) < 0:
            block.msgs -= 1
            self.msgs -= 1
            self.strike(block, seq)

    def unlink_everything(self):
        """Take every message out of the index, in O(blocks); (how many, their subjects). The tail
        has none."""
        cdef Block block
        cdef uint64_t gone = self.msgs
        self.listing = None
        for block in self.blocks:
            block.msgs = block.nbytes = 0
            block.column = None
            block.ttls = block.schedules = 0
            block.first_seq, block.first_ts = block.last_seq + 1, 0
            block.deleted.wipe()
        self.msgs = self.nbytes = 0
        self.expiries.clear()
        self.stale = 0
        self.find_first()
        subjects = self.tree.part()
        if self.columns and self.tail is not None:
            self.begin_column(self.tail, self.last_seq + 1)
        self.tell_swept()
        return gone, subjects

    def unlink_but_last(self):
        """As above, but the last message, which is in the tail, stays."""
        cdef Block block, tail = self.tail
        cdef Py_ssize_t at = tail.slot(self.last_seq)
        cdef uint64_t gone = self.msgs - 1
        cdef const uint8_t *r
        cdef Leaf *leaf
        cdef int64_t ttl = 0
        cdef int marks
        if at < 0 or tail.deleted.has(self.last_seq):
            raise SequenceNotFound(self.last_seq)
        self.listing = None
        subjects = self.tree.part()
        self.expiries.clear()
        self.stale = 0
        for block in self.blocks:
            block.msgs = block.nbytes = 0
            block.column = None
            block.ttls = block.schedules = 0
            block.first_seq, block.first_ts = block.last_seq + 1, 0
            block.deleted.wipe()
        r = tail.buf + tail.offs[at]
        leaf = self.tree.get_or_add(r + HEAD, subject_size(r))
        leaf.first = leaf.last = self.last_seq
        leaf.total = 1
        marks = tail.marks_at(at, &ttl)
        tail.ttls, tail.schedules = marks & HAS_TTL, (marks & HAS_SCHEDULE) >> 1
        if marks & HAS_TTL:
            self.expiries.reserve()
            self.expiries.insert(expiry(stamp(r), ttl), self.last_seq)
        tail.msgs, tail.nbytes = 1, counted_in(self.on_disk, r)
        tail.first_seq, tail.first_ts = self.last_seq, stamp(r)
        self.msgs, self.nbytes = 1, tail.nbytes
        if self.columns:
            self.begin_column(tail, self.last_seq)
            tail.column.whole = tail.column.put(self.last_seq, leaf.id)
        self.find_first()
        self.tell_swept()
        return gone, subjects

    def unlink_all(self, Block block):
        """Take every live message of a block out of the index; returns how many."""
        cdef uint64_t gone, seq
        cdef Py_ssize_t i
        cdef const uint8_t *r
        if block.msgs and not block.loaded:
            self.load_block(block)
        gone = block.msgs
        for i in range(block.count):
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if seq < block.first_seq or seq > block.last_seq or block.deleted.has(seq):
                continue
            self.leave(r + HEAD, subject_size(r), seq)
        self.stale += block.ttls
        self.msgs -= gone
        self.nbytes -= block.nbytes
        block.msgs = block.nbytes = 0
        block.column = None
        block.ttls = block.schedules = 0
        block.first_seq, block.first_ts = block.last_seq + 1, 0
        block.deleted.wipe()
        return gone

    def find_first(self):
        """Recompute the stream's first sequence from its blocks."""
        cdef Block block
        if self.msgs:
            for block in self.blocks:
                if block.msgs:
                    self.first_seq, self.first_ts = block.first_seq, block.first_ts
                    return
        self.first_seq, self.first_ts = self.last_seq + 1, 0

    cdef (uint64_t, uint64_t) exact(self, Leaf *leaf):
        """First and last sequence of a subject, found by scanning between the bounds."""
        cdef bytes subject
        if leaf.flags:
            subject = leaf.key[:leaf.size]
            if leaf.flags & FIRST_STALE:
                found = self.next_of(subject, leaf.first, leaf.last)
                if found is not None:
                    leaf.first = found.seq
                    leaf.flags &= ~FIRST_STALE
            if leaf.flags & LAST_STALE:
                found = self.previous_of(subject, leaf.first, leaf.last)
                if found is not None:
                    leaf.last = found.seq
                    leaf.flags &= ~LAST_STALE
        return leaf.first, leaf.last

    def next_of(self, bytes filter, uint64_t start, uint64_t stop):
        """First live message of `filter` in start..stop, or None."""
        cdef Py_ssize_t i
        cdef Block block
        start = max(start, self.first_seq)
        for i in range(self.block_at(start), len(self.blocks)):
            block = self.blocks[i]
            if block.first_seq > stop:
                return None
            if block.msgs:
                if not block.loaded:
                    self.load_block(block)
                found = block.hunt(filter, start, stop, 1)
                if found is not None:
                    return found
        return None

    def previous_of(self, bytes filter, uint64_t start, uint64_t stop):
        """Last live message of `filter` in start..stop, or None."""
        cdef Py_ssize_t i = min(self.block_at(stop), <Py_ssize_t>len(self.blocks) - 1)
        cdef Block block
        while i >= 0:
            block = self.blocks[i]
            if block.last_seq < start:
                return None
            if block.msgs and block.first_seq <= stop:
                if not block.loaded:
                    self.load_block(block)
                found = block.hunt(filter, start, stop, -1)
                if found is not None:
                    return found
            i -= 1
        return None

    cpdef bint is_live(self, uint64_t seq) except *:
        """Whether a message has this sequence; reads nothing."""
        cdef Py_ssize_t at
        cdef Block block
        if seq < self.first_seq or seq > self.last_seq:
            return False
        at = self.block_at(seq)
        if at >= len(self.blocks):
            return False
        block = self.blocks[at]
        return block.first_seq <= seq and not block.deleted.has(seq)
