"""Walks through the subjects that filters cover, in byte order and in steps.

The tree may change between two steps: a walk remembers the key where it goes on, not a place in
memory. What is there all the time is met exactly once.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, realloc

from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.subjects cimport (FIRST_STALE, LAST_STALE, Branch, Leaf,
                        SubjectTree, branch_of, is_branch, side)

cdef enum:
    LOOKS = 4  # looks at groups of filters that take as long as a visit


cdef class SubjectWalk:
    """`subjects`, `total` (messages), `low` and `high` (bounds of sequences) tell of what has been
    met so far."""

    def __init__(self, SubjectTree tree not None, FilterSet filters not None):
        self.tree, self.filters = tree, filters
        self.low = <uint64_t>-1

    def __dealloc__(self):
        free(self.stack)
        free(self.found)

    cdef int push(self, void *p) except -1:
        cdef void **grown
        if self.top == self.room:
            grown = <void **>realloc(self.stack, (self.room * 2 + 256) * sizeof(void *))
            if grown == NULL:
                raise MemoryError
            self.stack, self.room = grown, self.room * 2 + 256
        self.stack[self.top] = p
        self.top += 1
        return 0

    cdef int begin(self) except -1:
        self.top = 0
        if self.tree.root == NULL:
            return 0
        if self.at is None:
            return self.push(self.tree.root)
        return self.seek()

    cdef int seek(self) except -1:
        """Fill the stack with what is not before `at`."""
        cdef const uint8_t *key = <const uint8_t *>self.at
        cdef size_t n = len(self.at), at = 0
        cdef void *p = self.tree.root
        cdef Leaf *near
        cdef Branch *b
        cdef uint8_t differ, mask = 0
        cdef int way
        cdef bint same
        while is_branch(p):
            p = branch_of(p).child[side(branch_of(p), key, n)]
        near = <Leaf *>p
        while at < n and at < near.size and near.key[at] == key[at]:
            at += 1
        differ = (key[at] if at < n else 0) ^ (near.key[at] if at < near.size else 0)
        same = differ == 0
        while differ & (differ - 1):
            differ &= differ - 1
        mask = 255 ^ differ
        p = self.tree.root
        while is_branch(p):
            b = branch_of(p)
            if not same and (b.byte > at or (b.byte == at and b.mask > mask)):
                break
            way = side(b, key, n)
            if way == 0:
                self.push(b.child[1])
            p = b.child[way]
        # All keys below differ from `at` in the same bit, so all of them are on one side of it.
        if same or not (1 + (mask | (key[at] if at < n else 0))) >> 8:
            self.push(p)
        return 0

    cdef Py_ssize_t advance(self, uint64_t most) except -1:
        """Take a step of about `most` visits; how many leaves it has `found`, which hold until the
        tree changes."""
        cdef FilterSet filters = self.filters
        cdef uint64_t looks = filters.looks, stop = self.visits + most
        cdef size_t count = 0
        cdef void *p
        cdef void *q
        cdef Leaf *leaf
        cdef Leaf **grown
        if self.done:
            return 0
        self.begin()
        while self.top:
            self.top -= 1
            p = self.stack[self.top]
            q = p
            while is_branch(q):  # all keys below begin as this leaf's does
                q = branch_of(q).child[0]
            leaf = <Leaf *>q
            if self.visits + (filters.looks - looks) // LOOKS >= stop:
                self.at = leaf.key[:leaf.size]
                self.visits += (filters.looks - looks) // LOOKS
                return count
            while True:
                self.visits += 1
                if not is_branch(p):
                    if filters.covers(leaf.key, leaf.size):
                        if count == self.found_room:
                            grown = <Leaf **>realloc(self.found, (count * 2 + 64) * sizeof(Leaf *))
                            if grown == NULL:
                                raise MemoryError
                            self.found, self.found_room = grown, count * 2 + 64
                        self.found[count] = leaf
                        count += 1
                        self.subjects += 1
                        self.total += leaf.total
                        self.low = min(self.low, leaf.first)
                        self.high = max(self.high, leaf.last)
                    break
                if not filters.reaches(leaf.key, branch_of(p).byte):
                    break
                self.push(branch_of(p).child[1])
                p = branch_of(p).child[0]
        self.done = True
        self.visits += (filters.looks - looks) // LOOKS
        return count

    def pass_by(self, uint64_t most):
        """A step that only counts; returns how many subjects it has met."""
        return self.advance(most)

    def totals(self, uint64_t most):
        """A step: [(subject, messages)]."""
        cdef Py_ssize_t i, count = self.advance(most)
        return [(self.found[i].key[:self.found[i].size], self.found[i].total)
                for i in range(count)]

    def states(self, uint64_t most):
        """A step: [(subject, messages, first, last, first is exact, last is exact)], where what is
        not exact is a bound."""
        cdef Py_ssize_t i, count = self.advance(most)
        cdef Leaf *leaf
        cdef list out = []
        for i in range(count):
            leaf = self.found[i]
            out.append((leaf.key[:leaf.size], leaf.total, leaf.first, leaf.last,
                        not leaf.flags & FIRST_STALE, not leaf.flags & LAST_STALE))
        return out
