"""Contract of the answers: what a JetStream server says to a publish or a get."""

from libc.stdint cimport uint64_t


cdef struct Ack:
    uint64_t sequence   # 0: none in it
    uint64_t count      # messages of a batch; 0: none in it
    bint error
    bint duplicate


# First place behind `key`, or NULL.
cdef const char *find(const char *at, size_t size, const char *key, size_t length) noexcept nogil
# The unsigned number behind `key`, 0 when there is none.
cdef uint64_t value_of(const char *at, size_t size, const char *key, size_t length) noexcept nogil
cdef Ack read_ack(const char *at, size_t size) noexcept nogil
# Writes `what`, and what an answer with an error says: its description and code.
cdef void describe(char *out, size_t room, const char *what, const char *at, size_t size) noexcept nogil
