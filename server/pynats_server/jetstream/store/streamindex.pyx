"""What every store knows of a stream without reading it: an index over its blocks, compiled.

The subject tree and the blocks' deleted sets are kept for the whole stream, the buffers only for
blocks in use, so memory grows with subjects and interior deletes and not with messages.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.expiry cimport (HAS_SCHEDULE, HAS_TTL, ExpiryQueue, expiry,
                        header_marks)
from pynats_server.jetstream.store.pieces cimport PIECE, let_others_run
from pynats_server.jetstream.store.record cimport (HAS_HEADERS, HEAD, HELD_MAX, RECORD_MAX, SEQ_MASK, counted_in,
                        counted_size, record_size, stamp, subject_size, u32, u64)
from pynats_server.jetstream.store.seqset cimport SequenceSet
from pynats_server.jetstream.store.format.subjectlist cimport Listed, next_listed
from pynats_server.jetstream.store.subjects cimport (FIRST_STALE, LAST_STALE, Leaf, SubjectTree,
                        ring_drop, ring_push, ring_take)
from pynats_server.jetstream.store.format.varint cimport get_uvarint

from pynats_server.jetstream.store.errors import (CorruptRecord, OutOfSequences, SequenceNotFound, StoreFailed, TooLarge)

cdef enum:
    # No server leaves more unused sequences inside of a block: each is noted in memory.
    GAP_READ_MAX = 1 << 26

# A message counts this much less in memory than its record, with headers, takes in the buffer.
cdef size_t LIGHTER = record_size(0, 1, 0) - counted_size(False, 0, 1, 0)
cdef size_t SPARSE_DISK = 2 * 1024 * 1024
cdef size_t SPARSE_MEMORY = 64 * 1024


cdef class StreamIndex:
    """State of one stream over its blocks. Subclasses supply `roll_block` and `load_block`."""

    def __cinit__(self, *args, **kwargs):
        self.blocks = []
        self.tree = SubjectTree()
        self.first_seq, self.last_seq = 1, 0
        self.block_size = 8 * 1024 * 1024
        self.failed = None
        self.expiries = ExpiryQueue()

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

    cdef uint64_t append_raw(self, const uint8_t *subject, size_t sn, const uint8_t *hdr,
                             size_t hn, const uint8_t *msg, size_t mn, int64_t ts) except 0:
        """The hot path: one record into the tail block's buffer. Nothing changes on an error."""
        cdef size_t rl = record_size(sn, hn, mn)
        cdef uint64_t seq = self.last_seq + 1, counted
        cdef Block tail
        cdef Leaf *leaf
        cdef int64_t ttl = 0
        cdef int marks = 0
        if self.failed is not None:
            raise StoreFailed(str(self.failed))
        if rl > RECORD_MAX and (self.on_disk or rl > HELD_MAX) or sn > 65535:
            raise TooLarge("message too large")
        if seq > SEQ_MASK or seq == 0:
            raise OutOfSequences(f"no sequence is left after {self.last_seq}")
        tail = self.tail
        if tail is None or (tail.size + rl > self.block_size and tail.size):
            tail = self.roll_block()
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
        if self.witness is not None:
            self.witness.came(seq, subject, sn)
        return seq

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
        return block

    def load(self, uint64_t seq):
        """The message; SequenceNotFound when there is none, CorruptRecord when it is damaged."""
        cdef Block block = self.holder(seq)
        cdef Py_ssize_t at
        if block is None:
            raise SequenceNotFound(seq)
        at = block.slot(seq)
        if at < 0:
            raise CorruptRecord(f"sequence {seq} should be in block {block.index} and is not")
        return block.message(at)

    cpdef int tell_swept(self) except -1:
        """Tell the witness of changes that it was not told one by one."""
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
        if leaf == NULL:
            return
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
            block.ttls = block.schedules = 0
            block.first_seq, block.first_ts = block.last_seq + 1, 0
            block.deleted.wipe()
        self.msgs = self.nbytes = 0
        self.expiries.clear()
        self.stale = 0
        self.find_first()
        subjects = self.tree.part()
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
        self.find_first()
        self.tell_swept()
        return gone, subjects

    def unlink_all(self, Block block):
        """Take every live message of a block out of the index; returns how many."""
        cdef uint64_t gone = block.msgs, seq
        cdef Py_ssize_t i
        cdef const uint8_t *r
        if block.msgs and not block.loaded:
            self.load_block(block)
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

    def strangers(self, Block block):
        """Drop records whose subject the stream does not know, and return their sequences.

        The format's checksum does not cover the subject length, so a damaged length shows
        itself only as a subject that the (separately checksummed) index never heard of.
        """
        cdef Py_ssize_t i, kept = 0
        cdef const uint8_t *r
        cdef uint64_t seq
        out = []
        for i in range(block.count):
            if i % PIECE == PIECE - 1:
                let_others_run()
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if block.first_seq <= seq <= block.last_seq and not block.deleted.has(seq) \
                    and self.tree.get(r + HEAD, subject_size(r)) == NULL:
                out.append(seq)
                continue
            block.offs[kept] = block.offs[i]
            kept += 1
        block.count = kept
        return out

    def find_stranger(self, Block block not None, Py_ssize_t at, Py_ssize_t most):
        """The slot where the next step of the search for a record as above goes on; -1 at the end,
        -2 where there is one."""
        cdef Py_ssize_t stop = min(at + most, block.count)
        cdef const uint8_t *r
        cdef uint64_t seq
        while at < stop:
            r = block.buf + block.offs[at]
            seq = u64(r + 4)
            if block.first_seq <= seq <= block.last_seq and not block.deleted.has(seq) \
                    and self.tree.get(r + HEAD, subject_size(r)) == NULL:
                return -2
            at += 1
        return at if at < block.count else -1

    def adopt(self, Block block, uint64_t top):
        """Count a scanned block's records above the last sequence as live; `top` is the highest
        sequence known so far, for a block that has none."""
        block.deleted = SequenceSet()
        block.msgs = block.nbytes = 0
        block.ttls = block.schedules = 0
        block.first_seq, block.last_seq = top + 1, top
        self.extend(block)

    def extend(self, Block block):
        """Count the records above the last sequence that a counted block has got since."""
        cdef Py_ssize_t i
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef Leaf *leaf
        cdef int64_t ttl
        cdef int marks
        for i in range(block.slot_from(self.last_seq + 1), block.count):
            if i % PIECE == PIECE - 1:
                let_others_run()
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if block.msgs == 0:
                block.first_seq, block.first_ts = seq, stamp(r)
                block.deleted.wipe()
            elif seq != block.last_seq + 1:
                if seq - block.last_seq > GAP_READ_MAX:
                    raise CorruptRecord(f"sequence {seq} cannot follow {block.last_seq} in a block")
                block.deleted.insert_range(block.last_seq + 1, seq - 1)
            leaf = self.tree.get_or_add(r + HEAD, subject_size(r))
            if leaf.total == 0:
                leaf.first = seq
                leaf.flags = 0
            leaf.last = seq
            leaf.flags &= ~LAST_STALE
            leaf.total += 1
            block.msgs += 1
            block.nbytes += u32(r) & ~HAS_HEADERS
            block.last_seq, block.last_ts = seq, stamp(r)
            self.msgs += 1
            self.nbytes += u32(r) & ~HAS_HEADERS
            self.last_seq, self.last_ts = seq, stamp(r)
            marks = block.marks_at(i, &ttl)
            if marks:
                block.ttls += marks & HAS_TTL
                block.schedules += (marks & HAS_SCHEDULE) >> 1
                if marks & HAS_TTL:
                    self.expiries.reserve()
                    self.expiries.insert(expiry(stamp(r), ttl), seq)

    def take_subjects(self, const uint8_t[::1] data, bint with_last):
        """States of all subjects from index.db, in whose list the bounds are blocks and not
        sequences. `list_end` has accepted it."""
        cdef const uint8_t *p = &data[0]
        cdef const uint8_t *end = p + data.shape[0]
        cdef uint64_t count
        cdef Listed entry
        cdef Leaf *leaf
        cdef Block first, last
        p = get_uvarint(p, end, &count)
        while p != NULL and count:
            p = next_listed(p, end, with_last, &entry)
            count -= 1
            if p == NULL:
                return
            if count % PIECE == 0:
                let_others_run()
            first, last = self.numbered(entry.first), self.numbered(entry.last)
            leaf = self.tree.get_or_add(entry.subject, entry.size)
            leaf.total = entry.total
            leaf.first = (first if first is not None else <Block>self.blocks[0]).first_seq
            leaf.last = last.last_seq if last is not None else self.last_seq
            leaf.flags = FIRST_STALE | LAST_STALE

    def take_over(self, StreamIndex other not None):
        """Take over the blocks of another index, which is not used again."""
        self.blocks, self.tail, self.tree = other.blocks, other.tail, other.tree
        self.first_seq, self.first_ts = other.first_seq, other.first_ts
        self.last_seq, self.last_ts = other.last_seq, other.last_ts
        self.msgs, self.nbytes, self.rings = other.msgs, other.nbytes, other.rings
        self.expiries, self.stale = other.expiries, other.stale

    cdef Block numbered(self, uint64_t index):
        """The block of this number, or None; they are in order."""
        cdef Py_ssize_t low = 0, high = len(self.blocks), middle
        cdef Block block
        while low < high:
            middle = (low + high) >> 1
            block = <Block>self.blocks[middle]
            if block.index == index:
                return block
            if block.index < index:
                low = middle + 1
            else:
                high = middle
        return None

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
