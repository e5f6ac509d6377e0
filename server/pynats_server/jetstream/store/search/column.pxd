from libc.stdint cimport uint32_t, uint64_t

from pynats_server.jetstream.store.subjects cimport NOBODY


cdef class Column:
    cdef uint64_t base                 # the sequence of the first id
    cdef uint32_t *ids                 # of the subject of each sequence, NOBODY if it has none
    cdef size_t count, room
    cdef bint whole                    # it reaches to the end of the block
    cdef public uint64_t used_at

    cdef bint put(self, uint64_t seq, uint32_t id) noexcept

    cdef inline void strike(self, uint64_t seq) noexcept nogil:
        """The message with this sequence has gone."""
        if seq >= self.base and seq - self.base < self.count:
            self.ids[seq - self.base] = NOBODY

    cdef inline uint64_t end(self) noexcept nogil:
        """The first sequence that it says nothing of."""
        return self.base + self.count
