"""Counted memory that payloads are read into and written from.

Output that refers to a payload holds a count of its chunk instead of copying it. Other parts of the
server may lend memory of their own (a stream's blocks, for instance) in the same way.
"""
from libc.stdint cimport uint32_t


cdef struct Chunk:
    uint32_t references
    size_t capacity
    char* data
    bint lent  # somebody else's memory: see `chunk_lend`
    uint32_t borrowers  # pieces of output among the references
    void* keeper  # the Python object that the lent memory is of; NULL = malloc's


cdef Chunk* chunk_new(size_t capacity) except NULL
cdef void chunk_release(Chunk* chunk) noexcept
# Memory of another part of the server, as a chunk that messages may name as their lender. The chunk
# owns it: it is freed, or `keeper` released, when its owner has called `chunk_part` and no output
# refers to it any more.
cdef Chunk* chunk_lend(char* data, size_t capacity, object keeper) except NULL
cdef void chunk_part(Chunk* chunk) noexcept
# Ends that, if no output refers to it and the memory is malloc's, which its owner then has again.
cdef bint chunk_reclaim(Chunk* chunk) noexcept
# Whether output may refer to a lent chunk, within LENT_MAX.
cdef bint chunk_may_borrow(Chunk* chunk) noexcept
# Output does.
cdef void chunk_borrow(Chunk* chunk) noexcept
