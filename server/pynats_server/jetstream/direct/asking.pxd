"""The requests for one message that clients send: {"seq": N}, {"last_by_subj": "..."} and
{"next_by_subj": "...", "seq": N}, blanks between their parts. Others are read elsewhere.
"""
from libc.stdint cimport uint64_t


cdef struct Asked:
    uint64_t seq
    # NULL = not asked for; they point into the request.
    const char* last
    const char* next
    size_t last_len
    size_t next_len


# Whether it is one of them, and a whole one: names its message in exactly one way.
cdef bint read_asked(const char* p, size_t n, Asked* asked) noexcept nogil
