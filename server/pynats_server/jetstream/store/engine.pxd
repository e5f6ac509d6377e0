from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from .seqset cimport SequenceSet
from .subjects cimport Leaf, SubjectTree


cdef class Message:
    cdef readonly uint64_t seq
    cdef readonly int64_t ts
    cdef readonly object subject, headers, payload


cdef class Block:
    cdef public uint32_t index
    cdef public uint64_t first_seq, last_seq, msgs
    cdef public uint64_t nbytes
    cdef public int64_t first_ts, last_ts
    cdef public SequenceSet deleted
    cdef readonly bint loaded
    cdef public size_t written, raw_size
    cdef public object file, cipher, used_at, note
    cdef public bint sealed, dirty
    cdef public int ttls
    cdef uint8_t key[32]
    cdef uint8_t *buf
    cdef size_t size, room
    cdef uint32_t *offs
    cdef Py_ssize_t count, slots
    cdef public object tail_sum

    cdef int reserve(self, size_t more) except -1
    cdef int push_slot(self, uint32_t offset) except -1
    cdef Py_ssize_t slot(self, uint64_t seq) noexcept nogil
    cdef int put(self, uint64_t seq, int64_t ts, const uint8_t *subject, size_t sn,
                 const uint8_t *hdr, size_t hn, const uint8_t *msg, size_t mn) except -1
    cdef Message message(self, Py_ssize_t at)
    cdef hunt(self, object filter, uint64_t start, uint64_t stop, int step)


cdef class Engine:
    cdef public list blocks
    cdef public Block tail
    cdef readonly SubjectTree tree
    cdef public uint64_t first_seq, last_seq, msgs, nbytes
    cdef public int64_t first_ts, last_ts
    cdef public size_t block_size
    cdef public bint on_disk, dirty
    cdef public object failed

    cdef uint64_t append_raw(self, const uint8_t *subject, size_t sn, const uint8_t *hdr,
                             size_t hn, const uint8_t *msg, size_t mn, int64_t ts) except 0
    cpdef Py_ssize_t block_at(self, uint64_t seq)
    cdef Block holder(self, uint64_t seq)
    cdef (uint64_t, uint64_t) exact(self, Leaf *leaf)
