"""Which subjects some filters cover, by the subjects' ids: two bits for each.

A subject is compared with the filters when it is met for the first time, or all at once by a walk
through the tree. The tree remembers which ids it gave out last, so what is no longer true is
forgotten; who was away for too long begins anew.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.subjects cimport GIVEN, Leaf, SubjectTree, is_branch


cdef class Mask:
    """Of one tree and one set of filters."""

    def __init__(self, SubjectTree tree not None, FilterSet filters not None):
        self.tree, self.filters = tree, filters
        tree.keep_given()
        self.seen = tree.gave
        self.sync()

    def __dealloc__(self):
        free(self.states)

    @property
    def memory_bytes(self):
        return self.room

    cdef int sync(self) except -1:
        """To be called before anything is looked up, again after the tree has changed."""
        cdef size_t room
        cdef uint8_t *grown
        cdef uint32_t id
        cdef uint64_t i
        cdef SubjectTree tree = self.tree
        if tree.gave - self.seen > GIVEN:
            if self.room:
                memset(self.states, UNASKED, self.room)
        else:
            for i in range(self.seen, tree.gave):
                id = tree.given[i % GIVEN]
                if id >> 2 < self.room:
                    self.states[id >> 2] &= <uint8_t>~(3 << ((id & 3) << 1))
        self.seen = tree.gave
        if tree.ids > self.room * 4:
            room = (tree.ids >> 2) + (tree.ids >> 4) + 16
            grown = <uint8_t *>realloc(self.states, room)
            if grown == NULL:
                raise MemoryError
            memset(grown + self.room, UNASKED, room - self.room)
            self.states, self.room = grown, room
        return 0

    cdef bint ask(self, uint32_t id) noexcept nogil:
        cdef Leaf *leaf = self.tree.named[id]
        cdef bint covered
        if is_branch(leaf):
            return False  # nobody has it
        covered = self.filters.covers(leaf.key, leaf.size)
        self.asked += 1
        self.states[id >> 2] |= (COVERED if covered else COVERED_NOT) << ((id & 3) << 1)
        return covered

    cdef int learn(self, Leaf *leaf) except -1:
        """A walk has met a subject that is covered."""
        cdef uint32_t id = leaf.id
        if id >> 2 >= self.room:
            return 0  # it came later
        self.states[id >> 2] &= <uint8_t>~(3 << ((id & 3) << 1))
        self.states[id >> 2] |= COVERED << ((id & 3) << 1)
        return 0

    cdef void close(self, uint32_t ids) noexcept:
        """A walk is done that began when `ids` were in use, just after `sync`: what it has not met
        is not covered, apart from what has been given out since, which the next `sync` forgets."""
        cdef uint32_t id
        cdef size_t i
        for i in range(min(<size_t>ids >> 2, self.room)):
            self.states[i] |= ~(self.states[i] | (self.states[i] >> 1)) & 0x55
        for id in range(ids & ~<uint32_t>3, ids):
            if not (self.states[id >> 2] >> ((id & 3) << 1)) & 3:
                self.states[id >> 2] |= COVERED_NOT << ((id & 3) << 1)
