"""What a published message must pass before a stream keeps it, for the features that are common
enough to be fast: duplicates, expected sequences, rollups, TTLs, sizes and limits.

The order is the real server's. The compiled ingest runs all steps in a row; for messages with
rarer features (`slow_path.py`) Python runs the same steps and its own in between:

    fit        size of message and header block
    expect     expected stream, TTL allowed, expected last sequences
    identify   duplicate, expected last message id, rollup
    limit      the server's and the account's storage, discard new

Messages of batches are checked before any of them is stored, and in an order of their own
(`batch/checks.py`): they ask for the same rules one by one.
"""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.jetstream.publish.marks cimport Marks
from pynats_server.jetstream.publish.msgids cimport MsgId, MsgIds, id_of
from pynats_server.jetstream.store.record cimport counted_size
from pynats_server.jetstream.store.retention cimport Retention
from pynats_server.jetstream.store.subjects cimport Leaf
from pynats_server.jetstream.quota cimport Usage


cdef enum Verdict:
    # Otherwise an err_code of the API.
    PASSED = 0
    DUPLICATE = 1
    SUBJECT_FULL = 2
    MSGS_FULL = 3
    BYTES_FULL = 4
    RARE = 5  # slow_path.py decides
    ENDLESS_HEADERS = 6


cdef class Admission:
    cdef Retention store
    cdef Usage usage
    cdef bytes name
    cdef readonly MsgIds ids
    cdef uint64_t found  # what DUPLICATE and 10071 report
    cdef char* last_id  # of the last message
    cdef size_t last_id_size
    cdef size_t last_id_room
    # configuration; limits of 0 or less = none, but max_msg_size < 0
    cdef readonly bint allow_rollup
    cdef bint allow_ttl
    cdef bint discard_new
    cdef bint discard_new_per_subject
    cdef bint mirror
    cdef int64_t max_msg_size
    cdef int64_t max_msgs
    cdef int64_t max_bytes
    cdef int64_t max_per_subject
    cdef readonly int64_t ttl_min_s  # shorter TTLs are stored as this, 0 = none

    cdef int expect(self, const char* subject, size_t subject_size, const char* block,
                    Marks* marks, int64_t ttl_s) except -1
    cdef int identify(self, const char* block, Marks* marks, int64_t now) except -1
    cdef int fit(self, const char* block, size_t block_size, size_t total) noexcept
    cdef bint is_own_name(self, const char* block, Marks* marks) noexcept
    cdef bint is_last_id(self, const char* block, Marks* marks) noexcept
    cdef bint is_fit_rollup(self, const char* block, Marks* marks) noexcept
    cdef int storage(self, int64_t size) noexcept
    cdef int limit(self, const char* subject, size_t subject_size, size_t block_size,
                   size_t total, bint rollup) except -1
    cdef int staged_limit(self, bytes subject, uint64_t msgs, uint64_t size, uint64_t of_subject,
                          bint rollup) except -1
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
        # What the store counts for a message; `total` = header block and payload.
        return counted_size(self.store.on_disk, subject_size, block_size, total - block_size)
