from libc.stdint cimport int64_t, uint32_t, uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.search.filters cimport FilterSet
from pynats_server.jetstream.store.search.mask cimport Mask
from pynats_server.jetstream.store.streamindex cimport StreamIndex
from pynats_server.jetstream.store.subjects cimport Leaf


cpdef enum Sought:
    FOUND = 1      # `block` has it in `slot`, with the sequence `seq`
    NOTHING = 2    # no live message up to the stop
    LATER = 3      # the steps are used up: go on from `seq`
    UNREAD = 4     # `block` has to be read first; then go on from `seq`


cdef class Seeker:
    cdef StreamIndex index
    cdef readonly FilterSet filters
    cdef bytes literal                 # the only filter, if it has no wildcard
    cdef Mask mask                     # what was learned of the subjects
    cdef bint sparse                   # there may be much to pass over
    cdef readonly Block block
    cdef readonly uint64_t seq
    cdef Py_ssize_t slot

    # The next live message of the filters in start..stop. `steps` goes down by one for what takes
    # as long as looking at a record; a call overdraws by very few.
    cdef Sought next(self, uint64_t start, uint64_t stop, int64_t *steps) except *
    cdef void rest(self) noexcept

    cdef Py_ssize_t place_of(self, uint64_t seq) noexcept
    cdef uint64_t in_ring(self, Leaf *leaf, uint64_t start) noexcept
    cdef uint64_t in_records(self, Block block, uint64_t start, uint64_t stop, int64_t *steps,
                             uint64_t *at) noexcept
    cdef uint64_t in_column(self, Column column, uint32_t id, uint64_t start, uint64_t stop,
                            int64_t *steps, uint64_t *at) noexcept
