"""The newest message, not above a sequence, of each subject that some filters cover; exact for the
moment in which the search ends.

Mostly the subjects know. For those that do not (after a start, or where newer messages are above)
the stream is gone through once from there back, whatever their number. What goes meanwhile is
looked for again.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.record cimport HEAD, subject_size, u64
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.tally cimport Census, name_records
from pynats_server.jetstream.store.seqset cimport SequenceSet
from pynats_server.jetstream.store.streamindex cimport Counter, StreamIndex
from pynats_server.jetstream.store.subjects cimport (FIRST_STALE, LAST_STALE, NOBODY, Leaf,
                        SeqRing, is_branch)

cdef enum:
    BLOCK_COST = 16    # records that take as long to look at as the next block
    ENTRIES = 8        # entries of a column that take as long as a record
    VISIT_COST = 2     # records that take as long to look at as a visit to the subject tree
    NAME_COST = 2      # records that take as long to look at as finding the subject of one


cdef class Newest(Counter):
    """The search. `found` holds sequences, also while it goes on."""

    def __init__(self, StreamIndex index not None, FilterSet filters not None, uint64_t up_to):
        self.index, self.up_to, self.low = index, up_to, up_to
        self.census = Census(index, filters, None, 0)
        self.found = SequenceSet()

    def __dealloc__(self):
        free(self.wanted)
        free(self.ids)

    cdef void gone(self, uint64_t seq, Leaf *leaf) noexcept:
        cdef uint32_t *grown
        if seq > self.up_to or not self.census.passed(leaf) or not self.found.remove(seq) \
                or leaf.total == 1:
            return
        if self.count == self.ids_room:
            grown = <uint32_t *>realloc(self.ids, (self.ids_room * 2 + 64) * sizeof(uint32_t))
            if grown == NULL:
                self.stale = True
                return
            self.ids, self.ids_room = grown, self.ids_room * 2 + 64
        self.ids[self.count] = leaf.id
        self.count += 1

    cdef void swept(self) noexcept:
        self.stale = True

    cdef int want(self, Leaf *leaf) except -1:
        """Look for the newest message of a subject in the next pass."""
        cdef size_t room
        cdef uint8_t *grown
        if leaf.id >> 3 >= self.room:
            room = (self.index.tree.ids >> 3) + (self.index.tree.ids >> 5) + 64
            grown = <uint8_t *>realloc(self.wanted, room)
            if grown == NULL:
                raise MemoryError
            memset(grown + self.room, 0, room - self.room)
            self.wanted, self.room = grown, room
        if not self.wanted[leaf.id >> 3] & (1 << (leaf.id & 7)):
            self.wanted[leaf.id >> 3] |= 1 << (leaf.id & 7)
            self.unknown += 1
            self.low = min(self.low, leaf.first)
            self.sure += leaf.last <= self.up_to or not leaf.flags & FIRST_STALE
        return 0

    cdef int consider(self, Leaf *leaf) except -1:
        """A subject that the walk meets, or of which the newest message has gone."""
        cdef SeqRing *ring = leaf.ring
        cdef uint32_t low, high, middle
        if leaf.first > self.up_to:
            return 0
        if leaf.last <= self.up_to and not leaf.flags & LAST_STALE:
            self.found.insert(leaf.last)
        elif ring != NULL and ring.count == leaf.total:
            low, high = ring.head, ring.head + ring.count
            while low < high:
                middle = (low + high) >> 1
                if ring.seqs[middle] <= self.up_to:
                    low = middle + 1
                else:
                    high = middle
            if low > ring.head:
                self.found.insert(ring.seqs[low - 1])
        else:
            self.want(leaf)
        return 0

    cdef int begin_pass(self, int64_t *most) except -1:
        """Take up what has gone meanwhile; then look for what is wanted, from the end."""
        cdef Leaf *leaf
        while self.count:
            if most[0] <= 0:
                return 0
            most[0] -= NAME_COST
            self.count -= 1
            leaf = self.index.tree.named[self.ids[self.count]]
            if not is_branch(leaf):
                self.consider(leaf)
        self.at = self.up_to
        self.passing = self.unknown > 0
        self.done = self.unknown == 0
        return 0

    cdef void end_pass(self) noexcept:
        """What was not found is not there."""
        if self.room:
            memset(self.wanted, 0, self.room)
        self.unknown = self.sure = 0
        self.low = self.up_to
        self.passing = False

    cdef int take(self, uint64_t seq, Leaf *leaf) except -1:
        """The newest message of a subject that was looked for."""
        cdef uint32_t id = leaf.id
        self.wanted[id >> 3] &= <uint8_t>~(1 << (id & 7))
        self.unknown -= 1
        self.sure -= 1 if self.sure else 0
        if leaf.flags & LAST_STALE and leaf.last <= self.up_to:
            leaf.last = seq
            leaf.flags &= ~LAST_STALE
        self.found.insert(seq)
        return 0

    def step(self, int64_t most):
        """Look at some more; returns a block that has to be read first."""
        cdef Py_ssize_t i
        cdef Block block
        if not self.census.done:
            for i in range(self.census.walk.advance(most // VISIT_COST)):
                self.consider(self.census.walk.found[i])
            self.census.done = self.census.walk.done
            if not self.census.done:
                return None
        while most > 0 and not self.done:
            if self.passing:
                block = self.pass_back(&most)
                if block is not None:
                    return block
            else:
                self.begin_pass(&most)
        return None

    cdef Block pass_back(self, int64_t *most):
        """Go on with the pass."""
        cdef StreamIndex index = self.index
        cdef Block block
        cdef Py_ssize_t i = min(index.block_at(self.at), <Py_ssize_t>len(index.blocks) - 1)
        while i >= 0 and self.unknown and self.at >= self.low:
            if most[0] <= 0:
                return None
            block = index.blocks[i]
            i -= 1
            if not block.msgs or block.first_seq > self.at:
                most[0] -= BLOCK_COST
                continue
            self.at = min(self.at, block.last_seq)
            if index.suits_column(block, block.last_seq) \
                    and (block.column is None or not block.column.whole):
                if not block.loaded:
                    return block
                name_records(index, block, most)
                if block.column is None or not block.column.whole:
                    return None
            if block.column is not None and block.column.whole:
                block.column.used_at = index.uses
                self.pass_column(block.column, most)
            elif not block.loaded:
                return block
            else:
                self.pass_records(block, most)
            if self.at >= block.first_seq and self.unknown:
                if most[0] <= 0:
                    return None
                self.at = block.first_seq - 1
            most[0] -= BLOCK_COST
        self.end_pass()
        return None

    cdef int pass_column(self, Column column, int64_t *most) except -1:
        """From `at` back, until the column or the costs end."""
        cdef uint64_t seq = min(self.at, column.end() - 1), low = max(column.base, self.low)
        cdef uint32_t id
        cdef size_t passed = 0
        while seq >= low and self.unknown and seq:
            id = column.ids[seq - column.base]
            passed += 1
            if id != NOBODY and id >> 3 < self.room and self.wanted[id >> 3] & (1 << (id & 7)):
                self.take(seq, self.index.tree.named[id])
                most[0] -= NAME_COST
            seq -= 1
            if passed == ENTRIES:
                passed = 0
                most[0] -= 1
                if most[0] <= 0:
                    break
        self.at = seq
        return 0

    cdef int pass_records(self, Block block, int64_t *most) except -1:
        """The same in a block without a column."""
        cdef Py_ssize_t i = block.slot_from(self.at + 1) - 1
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef Leaf *leaf
        while i >= 0 and self.unknown:
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            i -= 1
            if seq < block.first_seq or seq < self.low:
                break
            self.at = seq - 1
            most[0] -= NAME_COST
            if not block.deleted.has(seq):
                leaf = self.index.tree.get(r + HEAD, subject_size(r))
                if leaf != NULL and leaf.id >> 3 < self.room \
                        and self.wanted[leaf.id >> 3] & (1 << (leaf.id & 7)):
                    self.take(seq, leaf)
            if most[0] <= 0:
                return 0
        self.at = min(self.at, block.first_seq - 1)
        return 0
