"""Who has which sequence of a block: the id of each live message's subject, in four bytes.

With it the messages of a filter are counted and found without their records, so without the disk,
at about a nanosecond for each message passed over. It stays when the block's buffer goes.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, realloc


cdef class Column:
    """For the sequences from `base` on."""

    def __cinit__(self, uint64_t base):
        self.base = base

    def __dealloc__(self):
        free(self.ids)

    @property
    def memory_bytes(self):
        return self.room * sizeof(uint32_t)

    cdef bint put(self, uint64_t seq, uint32_t id) noexcept:
        """The next live message; sequences in between have none. False without memory."""
        cdef size_t at = seq - self.base, i, room
        cdef uint32_t *grown
        if at >= self.room:
            room = max(self.room * 2, at + 1, <size_t>64)
            grown = <uint32_t *>realloc(self.ids, room * sizeof(uint32_t))
            if grown == NULL:
                return False
            self.ids, self.room = grown, room
        for i in range(self.count, at):
            self.ids[i] = NOBODY
        self.ids[at] = id
        if at >= self.count:
            self.count = at + 1
        return True
