from libc.stdint cimport uint8_t, uint32_t, uint64_t

from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.subjects cimport Leaf, SubjectTree


cdef enum:
    UNASKED = 0
    COVERED_NOT = 1
    COVERED = 2


cdef class Mask:
    cdef SubjectTree tree
    cdef FilterSet filters
    cdef uint8_t *states               # two bits for each id
    cdef size_t room                   # bytes of it
    cdef uint64_t seen                 # of the ids that the tree gave out
    cdef readonly uint64_t asked       # subjects that were compared with the filters

    cdef int sync(self) except -1
    cdef bint ask(self, uint32_t id) noexcept nogil
    cdef int learn(self, Leaf *leaf) except -1
    cdef void close(self, uint32_t ids) noexcept

    cdef inline bint has(self, uint32_t id) noexcept nogil:
        """Whether a filter covers the subject that has this id now."""
        cdef uint8_t state = (self.states[id >> 2] >> ((id & 3) << 1)) & 3
        if state == UNASKED:
            return self.ask(id)
        return state == COVERED
