"""What comes next for some filters: the search that a reader repeats with every message.

It does a bounded amount of work in a call and says where to go on. In a block whose column is known
it looks at no record, so blocks that hold nothing of it are not read from the disk.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.record cimport HEAD, subject_size, u64
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.mask cimport Mask
from pynats_server.jetstream.store.streamindex cimport StreamIndex
from pynats_server.jetstream.store.subjects cimport NOBODY, Leaf, SeqRing

cdef enum:
    BLOCK_COST = 4     # records that take as long to look at as the next block
    ENTRIES = 8        # entries of a column that take as long as a record
    PART = 512         # entries that are looked at between two looks at the steps
    ASK_COST = 2       # records that take as long to look at as asking about a subject
    NONE = 0           # no message has this sequence


cdef class Seeker:
    """A search in one stream. Where it has to pass over many messages it learns which subjects the
    filters cover, in two bits for each subject of the stream, until it may `rest`."""

    def __init__(self, StreamIndex index not None, FilterSet filters not None):
        self.index, self.filters = index, filters
        if filters.size == 1 and filters.literal:
            self.literal = b".".join(filters.texts[0])
        if not filters.every:
            index.keep_columns()

    cdef void rest(self) noexcept:
        """Nothing is looked for in the near future."""
        self.mask, self.block = None, None
        self.sparse = False

    cdef Py_ssize_t place_of(self, uint64_t seq) noexcept:
        """Where in the list of blocks to look first; mostly it is where the last one was."""
        cdef list blocks = self.index.blocks
        cdef Py_ssize_t n = len(blocks)
        cdef Block block = self.index.tail
        if block is not None and n and blocks[n - 1] is block and block.msgs \
                and block.first_seq <= seq:
            return n - 1
        return self.index.block_at(seq)

    cdef uint64_t in_ring(self, Leaf *leaf, uint64_t start) noexcept:
        """The first sequence in a ring at or after `start`, or NONE."""
        cdef SeqRing *ring = leaf.ring
        cdef uint32_t low = ring.head, high = ring.head + ring.count, middle
        while low < high:
            middle = (low + high) >> 1
            if ring.seqs[middle] < start:
                low = middle + 1
            else:
                high = middle
        return ring.seqs[low] if low < ring.head + ring.count else <uint64_t>NONE

    cdef uint64_t in_column(self, Column column, uint32_t id, uint64_t start, uint64_t stop,
                            int64_t *steps, uint64_t *at) noexcept:
        """The first sequence in start..stop of the subject with this id, or of any in the mask for
        NOBODY; NONE if there is none before `at`, where the steps are used up or the column ends.
        """
        cdef const uint32_t *ids
        cdef size_t i, n
        cdef uint64_t asked
        cdef Mask mask = self.mask
        at[0] = max(start, column.base)
        stop = min(stop + 1, column.end())
        while at[0] < stop:
            if steps[0] <= 0:
                return NONE
            ids = column.ids + (at[0] - column.base)
            n = <size_t>min(<uint64_t>PART, stop - at[0])
            steps[0] -= <int64_t>n // ENTRIES + 1
            if id != NOBODY:
                for i in range(n):
                    if ids[i] == id:
                        return at[0] + i
            else:
                asked = mask.asked
                for i in range(n):
                    if ids[i] != NOBODY and mask.has(ids[i]):
                        steps[0] -= ASK_COST * <int64_t>(mask.asked - asked)
                        return at[0] + i
                steps[0] -= ASK_COST * <int64_t>(mask.asked - asked)
            at[0] += n
        at[0] = max(at[0], stop)
        return NONE

    cdef Sought next(self, uint64_t start, uint64_t stop, int64_t *steps) except *:
        cdef StreamIndex index = self.index
        cdef FilterSet filters = self.filters
        cdef Block block
        cdef Leaf *leaf = NULL
        cdef Py_ssize_t i
        cdef uint64_t seq, last, at = 0
        cdef uint32_t id = NOBODY
        cdef bint synced = False
        start = max(start, index.first_seq)
        stop = min(stop, index.last_seq)
        if self.literal is not None:
            leaf = index.tree.get(<const unsigned char *>self.literal, len(self.literal))
            if leaf == NULL:
                return NOTHING
            id = leaf.id
            start, stop = max(start, leaf.first), min(stop, leaf.last)
        i = self.place_of(start)
        while start <= stop and i < len(index.blocks):
            block = index.blocks[i]
            if leaf != NULL and leaf.ring != NULL and leaf.ring.count == leaf.total:
                start = self.in_ring(leaf, start)
                if start == NONE or start > stop:
                    return NOTHING
                if start > block.last_seq:
                    i = self.place_of(start)
                    if i >= len(index.blocks):
                        return NOTHING
                    block = index.blocks[i]
            if block.first_seq > stop:
                return NOTHING
            start = max(start, block.first_seq)
            last = min(stop, block.last_seq)
            while block.msgs and start <= last:
                seq = NONE
                if steps[0] <= 0:
                    self.block, self.seq, self.sparse = block, start, True
                    return LATER
                if filters.every:
                    steps[0] -= 1
                    seq = block.deleted.next_absent(start) if block.deleted.size else start
                elif block.column is not None and block.column.whole \
                        and (leaf != NULL or self.sparse or not block.loaded):
                    if leaf == NULL and not synced:
                        if self.mask is None:
                            self.mask = Mask(index.tree, filters)
                        self.mask.sync()
                        synced = True
                    block.column.used_at = index.uses
                    seq = self.in_column(block.column, id, start, last, steps, &at)
                    if seq == NONE:
                        start = at
                        if steps[0] <= 0 and start <= last and start < block.column.end():
                            continue
                        break
                elif block.loaded:
                    seq = self.in_records(block, start, last, steps, &at)
                    if seq == NONE:
                        start = at
                        continue
                if seq > last:
                    break
                if not block.loaded:
                    self.block, self.seq = block, seq if seq != NONE else start
                    return UNREAD
                self.slot = block.slot(seq)
                if self.slot >= 0:
                    self.block, self.seq = block, seq
                    return FOUND
                start = seq + 1  # damaged
            start = max(start, block.last_seq + 1)
            steps[0] -= BLOCK_COST
            i += 1
            if steps[0] <= 0 and start <= stop:
                self.block, self.seq = block, start
                return LATER
        return NOTHING

    cdef uint64_t in_records(self, Block block, uint64_t start, uint64_t stop, int64_t *steps,
                             uint64_t *at) noexcept:
        """As `in_column`, of a loaded block."""
        cdef Py_ssize_t i
        cdef const unsigned char *r
        cdef uint64_t seq
        for i in range(block.slot_from(start), block.count):
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if seq > stop:
                break
            if steps[0] <= 0:
                at[0] = seq
                return NONE
            steps[0] -= 1
            if self.filters.covers(r + HEAD, subject_size(r)) and not block.deleted.has(seq):
                return seq
        at[0] = stop + 1
        return NONE

    # Python's view.

    def seek(self, start, stop, int64_t steps):
        """(what was `Sought`, sequence, block, steps that are left)."""
        found = self.next(start, stop, &steps)
        return found, self.seq, self.block, steps
