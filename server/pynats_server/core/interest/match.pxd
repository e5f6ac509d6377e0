"""The flattened answer to "who gets this subject?": one block of memory, read front to back.

A Match holds references on its subscriptions and is itself counted. Whoever walks one while
callbacks may run takes a count first (`match_retain`).
"""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.interest.groups cimport SubSet


cdef struct MatchQueue:
    void** members
    uint32_t length
    const char* name
    uint32_t name_len

cdef struct Match:
    void** plain
    MatchQueue* queues
    char* subject
    uint64_t generation
    uint32_t subject_len
    uint32_t n_plain
    uint32_t n_queues
    uint32_t references
    uint32_t weight  # subscriptions in all, members of groups included
    bint valid

cdef struct Hits:
    # The subscriber sets that match one subject, in the order of the walk.
    SubSet** sets
    uint32_t length
    uint32_t capacity
    uint64_t steps  # taken so far: nodes visited, names compared, subscriptions gathered


cdef int add_hit(Hits* hits, SubSet* subs) except -1
# Everybody in the sets; the caller owns the result. Members of the same queue group on different
# patterns become one group. The work is in proportion to what the sets hold.
cdef Match* match_build(Hits* hits, const char* subject, size_t subject_len) except NULL
cdef void match_release(Match* match) noexcept

cdef inline void match_retain(Match* match) noexcept:
    match.references += 1
