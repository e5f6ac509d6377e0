"""Bytes that grow at their end, and that output may refer to: then they stay where they are until it
has left, whatever becomes of their owner."""
from libc.stdint cimport uint8_t

from pynats_server.core.memory.chunks cimport Chunk


cdef class Buffer:
    cdef uint8_t *buf
    cdef Chunk *shared  # what `buf` lies in, once it may be lent; else NULL
    cdef size_t size, room

    cdef int reserve(self, size_t more) except -1
    cdef void drop_buffer(self) noexcept
    cdef int own(self) except -1
    cdef bint reclaim(self) noexcept
    cdef int move(self, size_t room) except -1
    cdef Chunk *lend(self) except NULL
