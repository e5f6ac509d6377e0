"""Messages of atomic batches, packed until their batch commits (see atomic.py)."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.store.retention cimport Retention


cdef class MessagePack:
    """Messages in one growing buffer, in order."""
    cdef char* data
    cdef size_t capacity
    cdef size_t used
    cdef size_t last  # where the last message begins
    cdef size_t recorded  # bytes of all records
    cdef bint too_large  # a message exceeds what a store accepts
    cdef readonly uint64_t count

    cdef int put(
        self, const char* subject, size_t subject_len, const char* headers, size_t headers_len,
        const char* payload, size_t payload_len, bint skipped,
    ) except -1
    cdef uint64_t _append_all(self, Retention store, int64_t ts) except 0


cdef class Batch(MessagePack):
    """An open batch: its messages so far, and when the last one arrived."""
    cdef readonly bytes id
    cdef public bint plain  # no message has headers to be checked, other than the batch's
    cdef public int64_t touched  # monotonic ns


cdef class Staging:
    """The open batches of one stream."""
    cdef readonly dict batches  # id -> Batch
    cdef readonly size_t nbytes  # of all of them
    cdef public size_t max_bytes
    cdef public uint64_t max_msgs  # per batch
    cdef Batch recent  # the batch of the last message

    # Whether the message continues an open batch and was taken; all others need Python.
    cdef bint offer(self, Message* msg) except -1
    cdef Batch find(self, const char* id, size_t length)
    cdef bint has_room(self, size_t more) noexcept
