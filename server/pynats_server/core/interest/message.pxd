"""A published message, as it is handed on. Borrows everything it points to."""
from libc.stdint cimport uint32_t


cdef struct Message:
    # Header block and body are contiguous.
    const char* subject  # as receivers see it
    const char* reply
    const char* payload
    uint32_t subject_len
    uint32_t reply_len
    uint32_t header_len
    uint32_t total_len  # headers + body, without the final CRLF
    # Payload lies in the engine's read chunk, with CRLF behind it: deliveries may refer to it.
    bint borrowed
    # Comes from a service import: imported streams do not have it, as in the real server.
    bint requested
    # The Chunk that the payload lies in, with anything behind it: large deliveries may refer to it.
    void* lender  # NULL = there is none
    uint32_t via_len  # 0 = the subject is the one that was matched
    const char* via  # the subject that was matched, where receivers see another one
