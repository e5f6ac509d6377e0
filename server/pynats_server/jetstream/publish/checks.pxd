"""What a published message must pass before a stream keeps it, for the features that are common
enough to be fast: duplicates, expected sequences, rollups, TTLs, sizes and limits.

The order is the real server's. The compiled ingest runs all steps in a row; for messages with
rarer features (`publish.py`) Python runs the same steps and its own in between:

    fit        size of message and header block
    expect     expected stream, TTL allowed, expected last sequences
    identify   duplicate, expected last message id, rollup
    limit      the server's and the account's storage, discard new
"""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.jetstream.publish.headers cimport Span
from pynats_server.jetstream.publish.msgids cimport MsgIds
from pynats_server.jetstream.store.retention cimport Engine as StoreEngine
from pynats_server.jetstream.store.subjects cimport Leaf
from pynats_server.jetstream.quota cimport Usage


cdef struct Marks:
    # Values of the headers that matter here; an empty value counts as none.
    Span msg_id
    Span expected_stream
    Span expected_seq
    Span expected_subject_seq
    Span expected_subject
    Span expected_msg_id
    Span rollup
    Span ttl
    bint rare  # there are headers that only publish.py knows


cdef enum Verdict:
    # Otherwise an err_code of the API.
    PASSED = 0
    DUPLICATE = 1
    SUBJECT_FULL = 2
    MSGS_FULL = 3
    BYTES_FULL = 4
    RARE = 5  # publish.py decides
    ENDLESS_HEADERS = 6


cdef enum Rollup:
    NO_ROLLUP = 0
    ROLLUP_SUBJECT = 1
    ROLLUP_ALL = 2
    BAD_ROLLUP = 3


cdef void read_marks(const char* block, size_t size, Marks* marks) noexcept nogil
cdef Rollup read_rollup(const char* block, Marks* marks) noexcept nogil

cdef inline bint present(Span span) noexcept nogil:
    return span.end > span.start


cdef class Admission:
    cdef StoreEngine store
    cdef Usage usage
    cdef bytes name
    cdef readonly MsgIds ids
    cdef uint64_t found  # what DUPLICATE and 10071 report
    cdef char* last_id  # of the last message
    cdef size_t last_id_size
    cdef size_t last_id_room
    # configuration; limits of 0 or less = none, but max_msg_size < 0
    cdef bint allow_rollup
    cdef bint allow_ttl
    cdef bint discard_new
    cdef bint discard_new_per_subject
    cdef bint mirror
    cdef int64_t max_msg_size
    cdef int64_t max_msgs
    cdef int64_t max_bytes
    cdef int64_t max_per_subject
    cdef readonly int64_t ttl_min  # s; shorter TTLs are stored as this, 0 = none

    cdef int expect(self, const char* subject, size_t subject_size, const char* block,
                    Marks* marks, int64_t ttl) except -1
    cdef int identify(self, const char* block, Marks* marks, int64_t now) except -1
    cdef int fit(self, const char* block, size_t block_size, size_t total) noexcept
    cdef bint has_storage(self, size_t subject_size, size_t block_size, size_t total) noexcept
    cdef int limit(self, const char* subject, size_t subject_size, size_t block_size,
                   size_t total, bint rollup) except -1
    cdef uint64_t _last_of(self, const char* subject, size_t size) except? 0
    cdef int64_t _first_size(self, Leaf* leaf) except -1
    cdef int _set_last_id(self, const char* id, size_t size) except -1
    # After the message was stored.
    cdef int note(self, const char* block, Marks* marks, uint64_t seq, int64_t ts) except -1
    cdef inline void note_plain(self) noexcept:
        self.last_id_size = 0

    cdef inline int64_t size_of(
        self, size_t subject_size, size_t block_size, size_t total
    ) noexcept:
        # What the store counts for a message.
        if self.store.on_disk:
            return 30 + subject_size + total + (4 if block_size else 0)
        return 16 + subject_size + total
