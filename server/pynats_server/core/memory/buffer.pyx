"""See buffer.pxd."""
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from pynats_server.core.memory.chunks cimport chunk_lend, chunk_part, chunk_reclaim


cdef class Buffer:
    def __dealloc__(self):
        self.drop_buffer()

    cdef int reserve(self, size_t more) except -1:
        """Has room for so many bytes behind the others."""
        cdef size_t room = self.room
        cdef uint8_t *grown
        if self.size + more <= room:
            return 0
        room = max(room * 2, 4096, self.size + more)
        if self.shared != NULL and not self.reclaim():
            return self.move(room)
        grown = <uint8_t *>realloc(self.buf, room)
        if grown == NULL:
            raise MemoryError
        self.buf, self.room = grown, room
        return 0

    cdef void drop_buffer(self) noexcept:
        """Give the buffer back; output that refers to it keeps it until it has left."""
        if self.shared != NULL:
            chunk_part(self.shared)
        else:
            free(self.buf)
        self.buf, self.shared = NULL, NULL
        self.size = self.room = 0

    cdef int own(self) except -1:
        """Before bytes change that are there already: nobody else may refer to them."""
        if self.shared != NULL and not self.reclaim():
            self.move(self.room)
        return 0

    cdef bint reclaim(self) noexcept:
        if not chunk_reclaim(self.shared):
            return False
        self.shared = NULL
        return True

    cdef int move(self, size_t room) except -1:
        """To another buffer, that nobody refers to."""
        cdef size_t size = self.size
        cdef uint8_t *moved = <uint8_t *>malloc(room)
        if moved == NULL:
            raise MemoryError
        if size:
            memcpy(moved, self.buf, size)
        self.drop_buffer()
        self.buf, self.size, self.room = moved, size, room
        return 0

    cdef Chunk *lend(self) except NULL:
        """The loaded buffer as memory that output may refer to. Bytes that are in it stay as they
        are; more may be added behind them."""
        if self.shared == NULL:
            self.shared = chunk_lend(<char *>self.buf, self.room, None)
        return self.shared
