from libc.stdint cimport uint8_t, uint64_t

from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.subjects cimport Leaf, SubjectTree


cdef class SubjectWalk:
    cdef SubjectTree tree
    cdef FilterSet filters
    cdef bytes at                      # where the next step begins; None before the first
    cdef void **stack                  # subtrees that follow, the nearest on top
    cdef size_t top, room
    cdef Leaf **found
    cdef size_t found_room
    cdef readonly bint done
    cdef readonly uint64_t visits      # of branches and leaves, over all steps
    cdef readonly uint64_t subjects, total, low, high

    cdef int push(self, void *p) except -1
    cdef int begin(self) except -1
    cdef int seek(self) except -1
    cdef Py_ssize_t advance(self, uint64_t most) except -1
