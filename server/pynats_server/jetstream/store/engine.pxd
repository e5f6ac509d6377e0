from libc.stdint cimport int64_t, uint8_t, uint64_t

from .block cimport Block, Message
from .expiry cimport ExpiryQueue
from .subjects cimport Leaf, SubjectTree


cdef class Engine:
    cdef public list blocks
    cdef public Block tail
    cdef readonly SubjectTree tree
    cdef public uint64_t first_seq, last_seq, msgs, nbytes
    cdef public int64_t first_ts, last_ts
    cdef public size_t block_size
    cdef public bint on_disk, dirty
    cdef public bint dead              # a block other than the tail has no live message
    cdef public bint floor_due         # messages left the front without a record of their own
    cdef readonly bint rings           # subjects with several messages know all of them
    cdef readonly ExpiryQueue expiries
    cdef public dict due               # {seq: when}: ran out, not yet removed
    cdef uint64_t stale                # entries of `expiries` whose message is gone, about
    cdef uint64_t ageless              # every live message below never ages
    cdef uint64_t *journal             # evicted since the last flush
    cdef Py_ssize_t journaled, journal_room
    cdef public object failed

    cdef uint64_t append_raw(self, const uint8_t *subject, size_t sn, const uint8_t *hdr,
                             size_t hn, const uint8_t *msg, size_t mn, int64_t ts) except 0
    # `append_raw`, then `enforce` with the stream's limits: the path of every publish.
    cdef int enforce(self, uint64_t max_msgs, uint64_t max_bytes, uint64_t max_per_subject,
                     const uint8_t *subject, size_t sn) except -1
    cdef uint64_t count_of(self, const uint8_t *subject, size_t sn) noexcept
    cpdef bint is_live(self, uint64_t seq) except *
    cpdef int touch(self) except -1
    cdef int take(self, Block block, Py_ssize_t at) except -1
    cdef int strike(self, Block block, uint64_t seq) except -1
    cdef void leave(self, const uint8_t *subject, size_t sn, uint64_t seq) noexcept
    cdef int evict(self, uint64_t seq) except -1
    cdef int relink(self, uint64_t seq) except -1
    cdef uint64_t first_of(self, Leaf *leaf) except? 0
    cdef int settle(self, Block block) except -1
    cdef int build_rings(self) except -1
    cdef int tidy_expiries(self) except -1
    cdef next_aging(self, uint64_t start, bint spare)
    cpdef Py_ssize_t block_at(self, uint64_t seq)
    cdef Block holder(self, uint64_t seq)
    cdef (uint64_t, uint64_t) exact(self, Leaf *leaf)
