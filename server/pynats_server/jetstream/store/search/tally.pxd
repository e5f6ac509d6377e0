from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.mask cimport Mask
from pynats_server.jetstream.store.search.subjectwalk cimport SubjectWalk
from pynats_server.jetstream.store.streamindex cimport Counter, StreamIndex
from pynats_server.jetstream.store.subjects cimport Leaf


cdef int name_records(StreamIndex index, Block block, int64_t *most) except -1


cdef class Tally(Counter):
    cdef StreamIndex index
    cdef FilterSet filters
    cdef Mask mask
    cdef readonly uint64_t at, low, high, count
    cdef readonly bint done, stale

    cdef uint64_t pass_column(self, Column column, uint64_t stop, int64_t *most) except? 0
    cdef int pass_records(self, Block block, uint64_t stop, int64_t *most) except -1


cdef class Census(Counter):
    cdef StreamIndex index
    cdef SubjectWalk walk
    cdef Mask mask
    cdef uint64_t start
    cdef uint32_t ids
    cdef readonly uint64_t total, later
    cdef readonly bint done, stale, straddled

    cdef bint passed(self, Leaf *leaf) noexcept
    cdef int64_t later_of(self, Leaf *leaf) noexcept
