"""A connection whose protocol may begin later, and behind a layer (TLS).

    PLAIN     what arrives is the protocol's, and what is written leaves as it is
    PROLOGUE  what arrives goes to a reader; the protocol waits
    GREETING  the layer begins, in a thread; the protocol waits in both directions
    LAYERED   everything goes through the layer

From PLAIN to PROLOGUE and back, any number of times before the protocol has begun; to GREETING from
both, once; on to LAYERED, or closed.

Reading: ciphertext is read into room that all connections share, opened there, and the protocol's
bytes go straight to where a plain read would have put them. From there on there is no difference: what
cannot be parsed now waits in the same places, and the socket is not read meanwhile. All that was read
is opened at once (LAYER_READ is what fits), so that nothing waits in the shared room; the layer keeps
at most the beginning of a record.

Writing: a flush takes bytes out of the output, small and borrowed ones alike, makes full records of
them in shared room and sends them by one call. What the kernel does not take waits here (`sealed`), no
more than LAYER_SEND, and counts in pending(); the rest stays in the output as it was.
"""
from libc.stdint cimport uint8_t

from pynats_server.core.sockets.connection cimport Connection
from pynats_server.core.sockets.layer cimport Layer
from pynats_server.core.sockets.workroom cimport Workroom


cdef enum Stage:
    PLAIN
    PROLOGUE
    GREETING
    LAYERED


cdef class LayeredConnection(Connection):
    cdef Stage stage
    cdef uint8_t lively  # looks at the timers after which the layer may give back memory
    cdef bint consulting  # the prologue's reader is being called
    cdef bint holds  # the layer may have bytes of the protocol
    cdef bint begun  # bytes of a greeting have arrived
    cdef int ended  # the reason, once the layer will give no more
    cdef object reader  # of the prologue
    cdef bytes kept  # of the prologue, not consumed
    cdef Layer layer
    cdef Workroom workroom
    cdef readonly object tls  # who the peer is, for whom there is a layer
    cdef char* sealed  # what the kernel did not take
    cdef size_t sealed_start
    cdef size_t sealed_end

    # prologue
    cdef int _consult(self) except -1
    cdef int _give_back(self) except -1
    # greeting
    cdef int _begin_greeting(self) except -1
    cdef int _read_early(self) except -1
    cdef int _greet(self, bytes data) except -1
    cdef int _fail_greeting(self, str text) except -1
    # layer
    cdef int _read_layered(self) except -1
    cdef int _open(self) except -1
    cdef int _answer(self) except -1
    cdef int _keep_sealed(self, const char* data, size_t length) except -1
    cdef ssize_t _seal(self) except -2
    cdef int _flush_layered(self) except -1
