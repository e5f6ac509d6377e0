"""How published messages get into a stream, and their acknowledgements out.

Messages whose headers and whose stream ask for no more than `Admission` checks go from the
connection's buffer into the store without a Python object; all others are handed to the stream
(`slow_path.py`). Acknowledgements collect in a batch per loop turn, which the store calls once
everything in it is durable.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink, Subscription
from pynats_server.jetstream.publish.appending cimport Appender
from pynats_server.jetstream.publish.checks cimport Admission
from pynats_server.jetstream.publish.marks cimport Marks
from pynats_server.jetstream.publish.batch.fast_state cimport FastBatch, FastTable
from pynats_server.jetstream.publish.batch.staging cimport Staging
from pynats_server.jetstream.store.retention cimport EVICT_MAX, Retention
from pynats_server.jetstream.quota cimport Usage


cdef class AckBatch:
    """Acknowledgements of one turn, in order; the store calls it when they may leave."""
    cdef Ingest ingest
    cdef char* data
    cdef size_t used
    cdef size_t capacity
    cdef readonly uint32_t count
    cdef uint64_t nbytes  # of the messages acknowledged here
    cdef bint has_undone
    cdef uint64_t last_seq  # of the stream, when the batch was closed

    cdef int put(self, uint64_t seq, const char* reply, uint32_t reply_len,
                 const char* body, uint32_t body_len, bint final) except -1
    cdef int undo(self, uint64_t last_seq) except -1


cdef class Ingest(Sink):
    cdef readonly Account account
    cdef Engine engine
    cdef Appender appender
    cdef Retention store  # for reading
    cdef object stream
    cdef Usage usage
    cdef readonly Admission admission
    cdef bytes ack_head  # `{"stream":"NAME","seq":`
    cdef AckBatch batch
    cdef AckBatch ending  # the one whose turn ends now
    cdef bint scheduled
    cdef bint in_memory
    cdef int64_t charged  # bytes of the store that `usage` has counted
    cdef public bint fast  # no feature of the stream needs a look at plain messages
    cdef public bint no_ack
    cdef public uint64_t waiting  # acknowledgements not sent yet
    cdef public uint64_t max_waiting
    cdef public uint64_t waiting_bytes  # of the messages that wait
    cdef public uint64_t max_waiting_bytes

    cdef public Staging staging  # None unless the stream takes atomic batches
    cdef public FastTable fast_table  # None unless it takes fast batches

    cdef void foresee(self, uint32_t hash, int step) noexcept
    cdef int _take(self, Message* msg, Sink source) except -1
    cdef int _check(self, Message* msg, Marks* marks, int64_t now) except -1
    cdef bint _replaces_many(self, Message* msg) except -1
    cdef int _refuse(self, Message* msg, int verdict) except -1
    cdef int _duplicate(self, Message* msg) except -1
    cdef bint _stage(self, Message* msg) except -1
    cdef int _say_flow(self, FastBatch batch, Message* msg) except -1
    cdef int _slow(self, Message* msg, Sink source) except -1
    cdef int _schedule(self) except -1
