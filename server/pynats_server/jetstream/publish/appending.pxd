"""A message into a stream, and what follows from it: `apply(Append)` in compiled form.

No other compiled code changes a store. What calls this has asked every rule before. With a `log`
it is told of every operation, in order; without one that costs a comparison per message.
"""
from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.publish.checks cimport Admission
from pynats_server.jetstream.publish.marks cimport Marks, Rollup
from pynats_server.jetstream.store.retention cimport EVICT_MAX, Retention


cdef class Appender:
    cdef readonly Retention store
    cdef readonly Admission admission
    cdef object on_over_limit  # called with a StoreError: old messages could not be removed
    cdef public object log  # `record(operation)`, or None
    # limits whose excess goes, oldest first; 0 = none
    cdef public uint64_t max_msgs
    cdef public uint64_t max_bytes
    cdef public uint64_t max_per_subject

    # `marks` of its `Nats-` headers, NULL without any.
    cdef uint64_t append(self, const char* subject, size_t subject_len, const char* message,
                         size_t block_len, size_t total_len, int64_t now, Marks* marks,
                         Rollup rollup) except 0
    cdef int limit(self, const uint8_t* subject, size_t subject_len) except -1
    cdef int _record(self, const char* subject, size_t subject_len, const char* message,
                     size_t block_len, size_t total_len, int64_t now, Rollup rollup,
                     uint64_t seq) except -1
