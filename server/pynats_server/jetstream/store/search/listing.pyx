"""The subjects as index.db lists them, as they were when the listing began.

It goes in steps while the stream changes. Whoever is about to change a subject that is not listed
yet has its state of before noted here; the walk then lists that. So the saved index is true of one
moment, and what was written after that moment is found in the blocks.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.format.varint cimport put_uvarint
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.subjectwalk cimport SubjectWalk
from pynats_server.jetstream.store.subjects cimport Leaf, SubjectTree


cdef class SubjectListing:
    """Count, then size, subject, total, number of the first and of the last block of each, all
    uvarints, in `parts`."""

    def __init__(self, SubjectTree tree not None, list blocks not None):
        cdef Py_ssize_t i
        cdef uint8_t line[16]
        self.walk = SubjectWalk(tree, FilterSet([b">"]))
        self.before = {}
        self.size = tree.size
        self.count = len(blocks)
        self.blocks = <Range *>malloc((self.count + 1) * sizeof(Range))
        if self.blocks == NULL:
            raise MemoryError
        for i in range(self.count):
            self.blocks[i].last = (<Block>blocks[i]).last_seq
            self.blocks[i].index = (<Block>blocks[i]).index
        self.parts = [line[:put_uvarint(line, self.size)]]

    def __dealloc__(self):
        free(self.blocks)

    cdef void note(self, Leaf *leaf) noexcept:
        """A subject is about to change."""
        cdef bytes at = self.walk.at
        cdef size_t n
        cdef int order
        if self.walk.done:
            return
        try:
            if at is not None:  # listed already?
                n = len(at)
                order = memcmp(leaf.key, <const uint8_t *>at, min(n, <size_t>leaf.size))
                if order < 0 or (order == 0 and leaf.size < n):
                    return
            key = leaf.key[:leaf.size]
            if key not in self.before:
                self.before[key] = (leaf.total, leaf.first, leaf.last)
        except MemoryError:
            self.broken = True

    cdef uint32_t block_of(self, uint64_t seq) noexcept:
        cdef Py_ssize_t low = 0, high = self.count, middle
        while low < high:
            middle = (low + high) >> 1
            if self.blocks[middle].last < seq:
                low = middle + 1
            else:
                high = middle
        return self.blocks[min(low, self.count - 1)].index if self.count else 0

    cdef int write(self, bytearray out, subject, uint64_t total, uint64_t first,
                   uint64_t last) except -1:
        cdef uint8_t line[64]
        cdef size_t n = put_uvarint(line, len(subject))
        out += line[:n]
        out += subject
        n = put_uvarint(line, total)
        n += put_uvarint(line + n, self.block_of(first))
        n += put_uvarint(line + n, self.block_of(last))
        out += line[:n]
        self.listed += 1
        return 0

    def step(self, uint64_t most):
        """List some more; False when that was all."""
        cdef Py_ssize_t i, count
        cdef Leaf *leaf
        cdef bytearray out = bytearray()
        cdef bytes key
        count = self.walk.advance(most)
        for i in range(count):
            leaf = self.walk.found[i]
            key = leaf.key[:leaf.size]
            known = self.before.pop(key, None) if self.before else None
            if known is None:
                self.write(out, key, leaf.total, leaf.first, leaf.last)
            elif known[0]:
                self.write(out, key, known[0], known[1], known[2])
        if count == 0 and self.walk.done:
            for i in range(most):  # subjects that are gone since
                if not self.before:
                    break
                key, known = self.before.popitem()
                if known[0]:
                    self.write(out, key, known[0], known[1], known[2])
        if out:
            self.parts.append(bytes(out))
        if not self.walk.done or self.before:
            return True
        self.broken = self.broken or self.listed != self.size
        return False
