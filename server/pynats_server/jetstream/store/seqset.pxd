from libc.stdint cimport uint32_t, uint64_t


cdef struct SeqPage:
    uint64_t base
    uint64_t *words
    uint64_t count


cdef class SequenceSet:
    cdef SeqPage *pages
    cdef Py_ssize_t used, room, memo
    cdef readonly uint64_t size

    cdef void wipe(self) noexcept
    cdef Py_ssize_t find(self, uint64_t base) noexcept nogil
    cdef SeqPage *page_for(self, uint64_t base) except NULL
    cdef void drop_page(self, Py_ssize_t at) noexcept
    cdef int insert(self, uint64_t seq) except -1
    cdef bint remove(self, uint64_t seq) noexcept
    cdef bint has(self, uint64_t seq) noexcept nogil
    cdef int insert_range(self, uint64_t first, uint64_t last) except -1
    cdef uint64_t remove_below(self, uint64_t seq) noexcept
    cdef uint64_t next_absent(self, uint64_t seq) noexcept nogil
    cdef uint64_t next_present(self, uint64_t seq) noexcept nogil
