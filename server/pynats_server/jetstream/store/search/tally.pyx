"""Counting the messages of some filters in steps, exact for the moment in which it ends.

A counter is told of what comes and goes while it is at work, so it need not stop the stream. A
`Census` asks the subjects; a `Tally` looks at every message of a range, at its column if its block
has one, which is made on the way.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.record cimport HEAD, subject_size, u64
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.mask cimport Mask
from pynats_server.jetstream.store.search.subjectwalk cimport SubjectWalk
from pynats_server.jetstream.store.streamindex cimport Counter, StreamIndex
from pynats_server.jetstream.store.subjects cimport (FIRST_STALE, LAST_STALE, NOBODY, Leaf,
                        SeqRing)

cdef enum:
    BLOCK_COST = 16    # records that take as long to look at as the next block
    ENTRIES = 8        # entries of a column that take as long as a record
    PART = 2048        # entries looked at between two looks at the costs
    ASK_COST = 2       # records that take as long as asking about a subject, or naming one


cdef int name_records(StreamIndex index, Block block, int64_t *most) except -1:
    """Go on with the column of a loaded block."""
    cdef Column column = block.column
    cdef Py_ssize_t at
    cdef const uint8_t *r
    cdef uint64_t seq
    cdef Leaf *leaf
    if column is None:
        index.begin_column(block, block.first_seq)
        column = block.column
        column.whole = False
    for at in range(block.slot_from(column.end()), block.count):
        r = block.buf + block.offs[at]
        seq = u64(r + 4)
        if seq > block.last_seq:
            break
        if most[0] <= 0:
            return 0
        most[0] -= ASK_COST
        if seq < block.first_seq or block.deleted.has(seq):
            continue
        leaf = index.tree.get(r + HEAD, subject_size(r))
        if leaf != NULL and not column.put(seq, leaf.id):
            block.column = None
            raise MemoryError
    column.whole = True
    return 0


cdef class Tally(Counter):
    """The live messages of some filters in low..high. `done` once `count` holds; it stays true
    while messages in the range go and as long as none can come."""

    def __init__(self, StreamIndex index not None, FilterSet filters not None, Mask mask,
                 uint64_t low, uint64_t high):
        self.index, self.filters, self.mask = index, filters, mask
        self.low, self.high = max(low, <uint64_t>1), high
        self.at = self.low

    cdef void gone(self, uint64_t seq, Leaf *leaf) noexcept:
        if self.low <= seq < self.at and self.filters.covers(leaf.key, leaf.size):
            self.count -= 1

    cdef void swept(self) noexcept:
        self.stale = True

    def step(self, int64_t most):
        """Count some more; returns a block that has to be read first."""
        cdef StreamIndex index = self.index
        cdef Block block
        cdef Py_ssize_t i
        cdef uint64_t stop
        if self.mask is not None:
            self.mask.sync()
        self.at = max(self.at, index.first_seq)
        for i in range(index.block_at(self.at), len(index.blocks)):
            block = index.blocks[i]
            if block.first_seq > self.high or self.at > self.high:
                break
            stop = min(block.last_seq, self.high)
            if block.msgs:
                self.at = max(self.at, block.first_seq)
                if self.mask is not None and index.suits_column(block, block.last_seq) \
                        and (block.column is None or not block.column.whole):
                    if not block.loaded:
                        return block
                    name_records(index, block, &most)
                    if block.column is None or not block.column.whole:
                        return None
                if block.column is not None and block.column.whole:
                    block.column.used_at = index.uses
                    self.count += self.pass_column(block.column, stop, &most)
                elif not block.loaded:
                    return block
                else:
                    self.pass_records(block, stop, &most)
                if self.at <= stop:
                    return None
            self.at = max(self.at, stop + 1)
            most -= BLOCK_COST
            if most <= 0:
                return None
        self.done = True
        return None

    cdef uint64_t pass_column(self, Column column, uint64_t stop, int64_t *most) except? 0:
        """Count from `at` to `stop`, or until the costs are spent."""
        cdef const uint32_t *ids
        cdef size_t i, n
        cdef uint64_t found = 0, asked
        cdef Mask mask = self.mask
        if self.at < column.base:
            self.at = min(column.base, stop + 1)
        while self.at <= stop:
            if self.at >= column.end():
                self.at = stop + 1
                break
            if most[0] <= 0:
                break
            ids = column.ids + (self.at - column.base)
            n = <size_t>min(<uint64_t>PART, min(stop + 1, column.end()) - self.at)
            if mask is None:
                for i in range(n):
                    found += ids[i] != NOBODY
            else:
                asked = mask.asked
                for i in range(n):
                    if ids[i] != NOBODY:
                        found += mask.has(ids[i])
                most[0] -= ASK_COST * <int64_t>(mask.asked - asked)
            most[0] -= <int64_t>n // ENTRIES + 1
            self.at += n
        return found

    cdef int pass_records(self, Block block, uint64_t stop, int64_t *most) except -1:
        """The same in a block without a column."""
        cdef Py_ssize_t i
        cdef const uint8_t *r
        cdef uint64_t seq
        for i in range(block.slot_from(self.at), block.count):
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if seq > stop:
                break
            if most[0] <= 0:
                self.at = seq
                return 0
            most[0] -= 1
            if self.filters.covers(r + HEAD, subject_size(r)) and not block.deleted.has(seq):
                self.count += 1
        self.at = stop + 1
        return 0


cdef class Census(Counter):
    """What the subjects that some filters cover know: `total` messages, and how many are `later`
    than the one before `start`. `straddled` where one of them has messages on both sides and does
    not know how many: then only the total counts. It learns a mask on the way."""

    def __init__(self, StreamIndex index not None, FilterSet filters not None, Mask mask,
                 uint64_t start):
        self.index, self.mask, self.start = index, mask, start
        self.walk = SubjectWalk(index.tree, filters)
        if mask is not None:
            mask.sync()
        self.ids = index.tree.ids

    cdef bint passed(self, Leaf *leaf) noexcept:
        """Whether a subject, unless it is not covered, has been met."""
        cdef bytes at = self.walk.at
        cdef size_t n
        cdef int order
        if not self.done:
            if at is None:
                return False
            n = len(at)
            order = memcmp(leaf.key, <const uint8_t *>at, min(n, <size_t>leaf.size))
            if order > 0 or (order == 0 and leaf.size >= n):
                return False
        return self.walk.filters.covers(leaf.key, leaf.size)

    cdef void came(self, uint64_t seq, Leaf *leaf) noexcept:
        if self.passed(leaf):
            self.total += 1
            self.later += seq >= self.start

    cdef void gone(self, uint64_t seq, Leaf *leaf) noexcept:
        if self.passed(leaf):
            self.total -= 1
            self.later -= seq >= self.start

    cdef void swept(self) noexcept:
        self.stale = True

    cdef int64_t later_of(self, Leaf *leaf) noexcept:
        """Messages of a subject from `start` on, or -1."""
        cdef SeqRing *ring = leaf.ring
        cdef uint32_t low, high, middle
        if self.start <= leaf.first:
            return leaf.total
        if self.start > leaf.last:
            return 0
        if ring != NULL and ring.count == leaf.total:
            low, high = ring.head, ring.head + ring.count
            while low < high:
                middle = (low + high) >> 1
                if ring.seqs[middle] < self.start:
                    low = middle + 1
                else:
                    high = middle
            return ring.head + ring.count - low
        if leaf.total == 1 and not leaf.flags & (FIRST_STALE | LAST_STALE):
            return leaf.first >= self.start
        return -1

    def step(self, uint64_t most):
        """Ask some more subjects."""
        cdef Py_ssize_t i
        cdef Leaf *leaf
        cdef int64_t later
        for i in range(self.walk.advance(most)):
            leaf = self.walk.found[i]
            self.total += leaf.total
            later = self.later_of(leaf)
            if later < 0:
                self.straddled = True
            else:
                self.later += later
            if self.mask is not None:
                self.mask.learn(leaf)
        if self.walk.done:
            self.done = True
            if self.mask is not None:
                self.mask.close(self.ids)
                self.mask.sync()
