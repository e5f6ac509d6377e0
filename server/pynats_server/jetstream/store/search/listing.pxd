from libc.stdint cimport uint32_t, uint64_t

from pynats_server.jetstream.store.search.subjectwalk cimport SubjectWalk
from pynats_server.jetstream.store.subjects cimport Leaf, SubjectTree


cdef struct Range:
    uint64_t last   # the last sequence of a block
    uint32_t index


cdef class SubjectListing:
    cdef SubjectWalk walk
    cdef dict before                   # {subject: (messages, first, last)} when it began
    cdef Range *blocks
    cdef Py_ssize_t count
    cdef uint64_t size, listed
    cdef readonly list parts
    cdef public bint broken            # it can no longer be what was there at the beginning

    cdef void note(self, Leaf *leaf) noexcept
    cdef uint32_t block_of(self, uint64_t seq) noexcept
    cdef int write(self, bytearray out, subject, uint64_t total, uint64_t first,
                   uint64_t last) except -1
