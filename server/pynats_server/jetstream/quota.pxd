"""What streams take of an account's and of the server's storage."""
from libc.stdint cimport int64_t


cdef class Usage:
    """Bytes that the streams of one account hold in one kind of storage, and their limit."""
    cdef public int64_t used
    cdef public int64_t limit  # -1 = unlimited
    cdef public Usage parent  # of the whole server

    cdef bint fits(self, int64_t more) noexcept
    cdef void grow(self, int64_t delta) noexcept
