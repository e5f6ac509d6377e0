"""Messages of a stream as DIRECT.GET sends them: with headers that say where they are stored."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.interest.message cimport Message
from pynats_server.jetstream.scratch cimport Scratch
from pynats_server.jetstream.store.block cimport Block


cdef struct Rest:
    # What the headers of a series say besides.
    uint64_t pending
    uint64_t last


cdef class Answers:
    cdef Scratch scratch  # the last answer
    cdef int64_t day  # since 1970, of `date`
    cdef bytes date
    cdef int64_t second  # since 1970, of `clock`
    cdef char clock[19]  # date and time of day

    # Headers and payload of the record in a slot; they stay until the next call. `rest` may be NULL.
    # The record is not compared with its checksum: that was done when its block was read.
    cdef int build(
        self, Message* msg, bytes stream, Block block, Py_ssize_t slot, const Rest* rest
    ) except -1
    # The same without any headers, also those of the message.
    cdef int build_plain(self, Message* msg, Block block, Py_ssize_t slot) except -1
    cdef char* put_time(self, char* p, int64_t ts) except NULL
    cdef int note_second(self, int64_t second) except -1
