from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.search.tally cimport Census
from pynats_server.jetstream.store.seqset cimport SequenceSet
from pynats_server.jetstream.store.streamindex cimport Counter, StreamIndex
from pynats_server.jetstream.store.subjects cimport Leaf


cdef class Newest(Counter):
    cdef StreamIndex index
    cdef Census census                 # knows which subjects have been met
    cdef readonly SequenceSet found
    cdef readonly uint64_t sure        # subjects that have a message, which is still looked for
    cdef readonly bint done, stale
    cdef bint passing
    cdef uint64_t up_to
    cdef uint8_t *wanted               # a bit for the id of each subject that is looked for
    cdef size_t room
    cdef uint32_t *ids                 # of subjects whose newest message has gone
    cdef size_t count, ids_room
    cdef uint64_t at, low, unknown     # the pass: from `at` back to `low`, and how many to find

    cdef int consider(self, Leaf *leaf) except -1
    cdef int want(self, Leaf *leaf) except -1
    cdef int begin_pass(self, int64_t *most) except -1
    cdef void end_pass(self) noexcept
    cdef Block pass_back(self, int64_t *most)
    cdef int take(self, uint64_t seq, Leaf *leaf) except -1
    cdef int pass_column(self, Column column, int64_t *most) except -1
    cdef int pass_records(self, Block block, int64_t *most) except -1
