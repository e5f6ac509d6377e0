from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.store.ages.turns cimport Turns
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.expiry cimport ExpiryQueue
from pynats_server.jetstream.store.search.listing cimport SubjectListing
from pynats_server.jetstream.store.subjects cimport Leaf, SubjectTree
from pynats_server.jetstream.store.witness cimport Witness


cdef class Counter:
    """Counts messages in steps, and is told of what changes in between."""

    cdef void came(self, uint64_t seq, Leaf *leaf) noexcept
    cdef void gone(self, uint64_t seq, Leaf *leaf) noexcept
    cdef void swept(self) noexcept


cdef class StreamIndex:
    cdef public list blocks
    cdef public Block tail
    cdef readonly SubjectTree tree
    cdef public uint64_t first_seq, last_seq, msgs, nbytes
    cdef public int64_t first_ts, last_ts
    cdef readonly Turns turns          # where times go back
    cdef public size_t block_size
    cdef public bint on_disk, dirty
    cdef readonly bint rings           # subjects with several messages know all of them
    cdef readonly ExpiryQueue expiries
    cdef uint64_t stale                # entries of `expiries` whose message is gone, about
    cdef public SubjectListing listing # under way: to be told of subjects that change
    cdef readonly bint columns         # new blocks get one
    cdef public size_t column_room    # bytes that columns may take
    cdef uint64_t uses                 # of columns
    cdef list counters                 # at work; None when there are none
    cdef public Witness witness        # told of what comes and goes; None = nobody
    cdef public object failed

    cdef uint64_t append_raw(self, const uint8_t *subject, size_t sn, const uint8_t *hdr,
                             size_t hn, const uint8_t *msg, size_t mn, int64_t ts) except 0
    cpdef int64_t time_for(self, int64_t now) noexcept
    cpdef int turn_back(self, int64_t ts) except -1
    cpdef bint is_live(self, uint64_t seq) except *
    cpdef bint is_sparse(self, Block block)
    cpdef int touch(self) except -1
    cdef int take(self, Block block, Py_ssize_t at, bint purged) except -1
    cpdef int tell_swept(self) except -1
    cdef int tell_came(self, uint64_t seq, Leaf *leaf) except -1
    cdef int begin_column(self, Block block, uint64_t seq) except -1
    cdef bint suits_column(self, Block block, uint64_t seq) noexcept
    cdef int strike(self, Block block, uint64_t seq) except -1
    cdef void leave(self, const uint8_t *subject, size_t sn, uint64_t seq) noexcept
    cpdef Py_ssize_t block_at(self, uint64_t seq)
    cdef Block holder(self, uint64_t seq)
    cdef (uint64_t, uint64_t) exact(self, Leaf *leaf)
