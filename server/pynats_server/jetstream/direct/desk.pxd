"""Where an account's requests for single messages are answered, if that takes no time: the message is
known to the index, and its block is in memory."""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.message cimport Message
from pynats_server.core.memory.bytemap cimport ByteMap
from pynats_server.jetstream.direct.answers cimport Answers
from pynats_server.jetstream.direct.asking cimport Asked
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.streamindex cimport StreamIndex

cdef enum:
    REPLY_KEPT = 128  # bytes of a reply subject that is compared with the next one


cdef enum Fate:
    HERE  # `block` has it in `slot`
    MISSING  # there is no such message
    ELSEWHERE  # whoever may take time has to look


cdef class Place:
    """A stream that answers."""
    cdef bytes name
    cdef StreamIndex store


cdef class Desk:
    cdef Engine engine
    cdef Account account
    cdef ByteMap places
    cdef dict owned  # what `places` points to, by name
    cdef Answers answers
    cdef Block block
    cdef Py_ssize_t slot
    cdef char reply[REPLY_KEPT]  # of the last request
    cdef uint32_t reply_len
    cdef readonly uint64_t answered

    # Answers a request whose subject is `DIRECT.GET.` and `rest`. False: it has to take the long way,
    # nothing has happened.
    cdef bint answer(self, Message* request, const char* rest, size_t n) except -1
    cdef Fate find(self, StreamIndex store, const Asked* asked) except *
    cdef Fate find_seq(self, StreamIndex store, uint64_t seq) except *
    cdef Fate find_last(self, StreamIndex store, const char* subject, size_t n) except *
    cdef Fate find_next(
        self, StreamIndex store, const char* filter, size_t n, uint64_t start
    ) except *
    cdef Fate find_near(
        self, StreamIndex store, const char* filter, size_t n, uint64_t start
    ) except *
    cdef int send(self, Message* request, Message* msg) except -1
