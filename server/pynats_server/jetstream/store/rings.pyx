"""The oldest message of a subject, which limits per subject ask for with every message.

A ring holds the sequences of one subject. Appends keep rings once somebody has asked for them; what
was stored before is gathered by reading every block once. The gathered rings are in a tree of their
own until they are whole: then they move to the subjects that have not changed meanwhile.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.record cimport HEAD, subject_size, u64
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.scanning cimport Scanning
from pynats_server.jetstream.store.search.subjectwalk cimport SubjectWalk
from pynats_server.jetstream.store.subjects cimport (FIRST_STALE, LAST_STALE, Leaf, SubjectTree,
                        ring_push)

cdef int64_t EVERYTHING = <int64_t>1 << 62


cdef class Rings(Scanning):
    """The index with what limits per subject need."""

    cdef uint64_t first_of(self, Leaf *leaf) except? 0:
        """Lowest live sequence of a subject, 0 when none of its records is readable."""
        cdef Py_ssize_t at
        cdef Block block
        if leaf.flags & FIRST_STALE:
            at = self.block_at(leaf.first)
            if at < len(self.blocks):
                block = self.blocks[at]
                if not block.settled and block.msgs:
                    self.settle(block)
            if leaf.flags & FIRST_STALE:
                self.exact(leaf)
                if leaf.flags & FIRST_STALE:
                    return 0
        return leaf.first

    cdef int settle(self, Block block) except -1:
        """Make the first sequence exact of every subject whose lower bound lies in a block: one
        pass after a start from the index instead of a scan for each subject."""
        cdef Py_ssize_t i
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef Leaf *leaf
        if not block.loaded:
            self.load_block(block)
        block.settled = True
        for i in range(block.count):
            r = block.buf + block.offs[i]
            seq = u64(r + 4)
            if seq < block.first_seq or seq > block.last_seq or block.deleted.has(seq):
                continue
            leaf = self.tree.get(r + HEAD, subject_size(r))
            if leaf != NULL and leaf.flags & FIRST_STALE and leaf.first <= seq:
                if leaf.first >= block.first_seq:
                    leaf.first = seq
                    leaf.flags &= ~FIRST_STALE
        return 0

    cdef int build_rings(self) except -1:
        """Gather all rings at once."""
        cdef SubjectTree found = SubjectTree()
        cdef uint64_t at = 1
        self.keep_rings()
        while at:
            at, block = self.ring_part(found, at, EVERYTHING)
            if block is not None:
                self.load_block(block)
        self.take_rings(SubjectWalk(found, FilterSet([b">"])), EVERYTHING)
        return 0

    def keep_rings(self):
        """Keep a ring of every subject that gets a second message from now on."""
        self.rings = True

    def ring_part(self, SubjectTree found not None, uint64_t start, int64_t most):
        """(where the next step begins or 0 at the end, block to read or None): add the sequences
        of subjects with several messages, or with one that is known by bounds, to the rings in
        `found`."""
        cdef Py_ssize_t at
        cdef Block block
        cdef const uint8_t *r
        cdef uint64_t seq
        cdef Leaf *leaf
        cdef Leaf *copy
        start = max(start, self.first_seq)
        at = self.block_at(start)
        if at >= len(self.blocks):
            return 0, None
        block = self.blocks[at]
        if block.msgs and not block.loaded:
            return start, block
        if block.msgs:
            for at in range(block.slot_from(max(start, block.first_seq)), block.count):
                r = block.buf + block.offs[at]
                seq = u64(r + 4)
                if seq > block.last_seq:
                    break
                if most <= 0:
                    return seq, None
                most -= 1
                if block.deleted.has(seq):
                    continue
                leaf = self.tree.get(r + HEAD, subject_size(r))
                if leaf != NULL and leaf.ring == NULL and (leaf.total > 1 or leaf.flags):
                    copy = found.get_or_add(leaf.key, leaf.size)
                    ring_push(copy, seq)
                    copy.total += 1
        return block.last_seq + 1 if block.last_seq < self.last_seq else 0, None

    def take_rings(self, SubjectWalk walk not None, uint64_t most):
        """A step of a walk through gathered rings: those that hold all messages of their subject
        become its own. A message more or less shows in the count or in the last sequence."""
        cdef Py_ssize_t i
        cdef Leaf *copy
        cdef Leaf *leaf
        cdef uint64_t first, last
        for i in range(walk.advance(most)):
            copy = walk.found[i]
            leaf = self.tree.get(copy.key, copy.size)
            if leaf == NULL or leaf.ring != NULL or copy.ring == NULL \
                    or copy.ring.count != leaf.total:
                continue
            first = copy.ring.seqs[copy.ring.head]
            last = copy.ring.seqs[copy.ring.head + copy.ring.count - 1]
            if last > leaf.last or (last < leaf.last and not leaf.flags & LAST_STALE):
                continue
            leaf.first, leaf.last, leaf.flags = first, last, 0
            if leaf.total > 1:
                leaf.ring, copy.ring = copy.ring, NULL
