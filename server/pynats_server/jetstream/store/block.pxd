from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.core.memory.buffer cimport Buffer
from pynats_server.jetstream.store.search.column cimport Column
from pynats_server.jetstream.store.seqset cimport SequenceSet


cdef class Message:
    cdef readonly uint64_t seq
    cdef readonly int64_t ts
    cdef readonly object subject, headers, payload


cdef class Block(Buffer):
    cdef public uint32_t index
    cdef public uint64_t first_seq, last_seq, msgs
    cdef public uint64_t nbytes
    cdef public int64_t first_ts, last_ts
    cdef public SequenceSet deleted
    cdef readonly bint loaded
    cdef public Column column          # whose message has which sequence, if somebody asked
    cdef public size_t written, raw_size, kept
    cdef public object file, cipher, used_at
    cdef public bint sealed, settled, grave
    cdef public bint recent            # read since somebody looked, see `DiskBlocks.drop_idle`
    cdef public int rewriting
    cdef public uint32_t ttls, schedules
    cdef public uint64_t floor
    cdef public uint64_t base          # no record of the file has a lower sequence
    cdef readonly list notes           # what floors carried when the block was scanned
    cdef readonly bint plain           # every record is known, and none has headers
    cdef uint8_t key[32]
    cdef uint32_t *offs
    cdef Py_ssize_t count, slots
    cdef public object tail_sum

    cdef int push_slot(self, uint32_t offset) except -1 nogil
    cdef Py_ssize_t slot(self, uint64_t seq) noexcept nogil
    cdef Py_ssize_t slot_from(self, uint64_t seq) noexcept nogil
    cdef int put(self, uint64_t seq, int64_t ts, const uint8_t *subject, size_t sn,
                 const uint8_t *hdr, size_t hn, const uint8_t *msg, size_t mn) except -1
    cdef size_t pass_messages(self, size_t at, size_t until, uint64_t *last) except? 0 nogil
    cdef int marks_at(self, Py_ssize_t slot, int64_t *ttl) noexcept nogil
    cdef Message message(self, Py_ssize_t at)
    cdef list marked(self, size_t start, uint64_t flag)
    cdef hunt(self, object filter, uint64_t start, uint64_t stop, int step)


cdef class BlockScan:
    cdef Block block
    cdef size_t at, bad_from
    cdef bint bad                      # what is at `at` belongs to a hole
    cdef uint64_t last
    cdef readonly list tombs, skips, holes
