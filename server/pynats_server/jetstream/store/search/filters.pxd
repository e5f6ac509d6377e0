from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef struct Token:
    const uint8_t *text
    uint32_t size


cdef struct Line:
    Token *tokens
    uint32_t count


cdef class FilterSet:
    cdef list texts                    # what the tokens point into
    cdef Py_ssize_t filled             # lines that are made
    cdef Token *token                  # where the next goes on
    cdef Line *lines                   # sorted by their tokens
    cdef Token *tokens
    cdef readonly Py_ssize_t size
    cdef readonly bint every           # `>` is one of them
    cdef readonly bint literal         # none has a wildcard
    cdef readonly uint64_t looks       # at groups of filters: what matching has cost so far

    cdef int take(self, list texts) except -1
    cdef int begin(self, list texts) except -1
    cdef int fill(self, Py_ssize_t most) except -1
    cdef bint covers(self, const uint8_t *s, size_t n) noexcept nogil
    cdef bint reaches(self, const uint8_t *s, size_t n) noexcept nogil
    cdef Py_ssize_t bound(self, Py_ssize_t low, Py_ssize_t high, uint32_t depth,
                          const uint8_t *t, uint32_t size, bint above) noexcept nogil
    cdef bint match(self, Py_ssize_t low, Py_ssize_t high, uint32_t depth, const uint8_t *s,
                    size_t at, size_t n, bint whole) noexcept nogil
