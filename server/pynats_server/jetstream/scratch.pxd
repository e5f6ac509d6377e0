"""Memory for messages that are not sent as they are stored, used again for each."""
from libc.stdint cimport uint8_t
from libc.stdlib cimport realloc


cdef struct Scratch:
    uint8_t* bytes
    size_t room


cdef inline int make_room(Scratch* scratch, size_t need) except -1:
    """Has so many bytes. They may be others than before."""
    cdef uint8_t* grown
    if need > scratch.room:
        grown = <uint8_t*>realloc(scratch.bytes, need)
        if grown == NULL:
            raise MemoryError()
        scratch.bytes, scratch.room = grown, need
    return 0
