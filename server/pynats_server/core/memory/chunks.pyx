"""See chunks.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdlib cimport free, malloc

from pynats_server.core.ledger cimport CHUNKS, count_gone, count_made, must
from pynats_server.core.limits cimport CHUNK_POOL, LENT_MAX, READ_CHUNK

cdef Chunk* spare_chunks[CHUNK_POOL]
cdef int spare_count = 0
cdef size_t lent_bytes = 0  # that output refers to


cdef Chunk* chunk_new(size_t capacity) except NULL:
    global spare_count
    cdef Chunk* chunk
    if capacity == READ_CHUNK and spare_count:
        spare_count -= 1
        chunk = spare_chunks[spare_count]
        chunk.references = 1
        count_made(CHUNKS)
        return chunk
    chunk = <Chunk*>malloc(sizeof(Chunk) + capacity)
    if chunk == NULL:
        raise MemoryError()
    chunk.references = 1
    chunk.capacity = capacity
    chunk.data = <char*>chunk + sizeof(Chunk)
    chunk.lent = False
    count_made(CHUNKS)
    return chunk


cdef Chunk* chunk_lend(char* data, size_t capacity, object keeper) except NULL:
    cdef Chunk* chunk = <Chunk*>malloc(sizeof(Chunk))
    if chunk == NULL:
        raise MemoryError()
    chunk.references = 1
    chunk.capacity = capacity
    chunk.data = data
    chunk.lent = True
    chunk.borrowers = 0
    chunk.keeper = NULL
    if keeper is not None:
        chunk.keeper = <void*>keeper
        Py_INCREF(keeper)
    return chunk


cdef void chunk_part(Chunk* chunk) noexcept:
    chunk.references -= 1
    if chunk.references == 0:
        if chunk.keeper != NULL:
            Py_DECREF(<object>chunk.keeper)
        else:
            free(chunk.data)
        free(chunk)


cdef bint chunk_reclaim(Chunk* chunk) noexcept:
    if chunk.references > 1 or chunk.keeper != NULL:
        return False
    free(chunk)
    return True


cdef bint chunk_may_borrow(Chunk* chunk) noexcept:
    return chunk.borrowers != 0 or lent_bytes + chunk.capacity <= LENT_MAX


cdef void chunk_borrow(Chunk* chunk) noexcept:
    global lent_bytes
    chunk.references += 1
    if chunk.lent:
        if chunk.borrowers == 0:
            lent_bytes += chunk.capacity
        chunk.borrowers += 1


cdef void _give_back(Chunk* chunk) noexcept:
    global lent_bytes
    chunk.borrowers -= 1
    if chunk.borrowers == 0:
        lent_bytes -= chunk.capacity
    chunk_part(chunk)


cdef void chunk_release(Chunk* chunk) noexcept:
    global spare_count
    must(chunk.references > 0, b"a released chunk has a holder")
    if chunk.lent:
        _give_back(chunk)
        return
    chunk.references -= 1
    if chunk.references:
        return
    count_gone(CHUNKS)
    if chunk.capacity == READ_CHUNK and spare_count < CHUNK_POOL:
        spare_chunks[spare_count] = chunk
        spare_count += 1
    else:
        free(chunk)
