"""A published message, as it is handed on. Borrows everything it points to."""
from libc.stdint cimport uint32_t


cdef struct Message:
    # Header block and body are contiguous; two more bytes behind them hold CRLF.
    const char* subject
    const char* reply
    const char* payload
    uint32_t subject_len
    uint32_t reply_len
    uint32_t header_len
    uint32_t total_len  # headers + body, without the final CRLF
    bint borrowed  # payload lies in the engine's read chunk: deliveries may refer to it
