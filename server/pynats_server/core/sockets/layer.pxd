"""What may stand between a socket and the protocol: TLS, for instance. What the peer sends goes in and
comes out as the protocol's bytes; the protocol's bytes go in and come out as what is sent.

A table of functions and a state, called for every record; they know no connection, and a connection
knows nothing of what they do. One thread at a time may use a state.
"""


cdef enum:
    # What `open` answers instead of a number of bytes: it needs more of the peer's first; the peer
    # has ended its side; what came makes no sense, or it was ended without an end.
    LAYER_MORE = 0
    LAYER_ENDED = -1
    LAYER_FAILED = -2
    # What `greet` answers: the connection is ready, or one of the above.
    LAYER_READY = 1
    # Bytes of the protocol that are sealed at a time, at most, and by how much they may get longer.
    LAYER_RECORD = 16384
    LAYER_OVERHEAD = 512


cdef struct LayerCalls:
    # What the peer sent. It stays where it is until `open` answers that it needs more. 0, or -1:
    # there is no memory.
    int (*feed)(void* state, const char* data, size_t length) noexcept nogil
    # The protocol's bytes, at most those of one record.
    ssize_t (*open)(void* state, char* to, size_t room) noexcept nogil
    # Seals up to LAYER_RECORD bytes, for which there is room with LAYER_OVERHEAD; how many bytes
    # that made, or LAYER_FAILED.
    ssize_t (*seal)(void* state, const char* data, size_t length, char* to, size_t room) noexcept nogil
    # What it has to say to the peer of itself.
    ssize_t (*take)(void* state, char* to, size_t room) noexcept nogil
    # The beginning. It keeps what it is given.
    int (*greet)(void* state, const char* data, size_t length) noexcept nogil
    # Says goodbye; `take` follows.
    void (*finish)(void* state) noexcept nogil
    # Nothing has come or gone for a while: gives back memory.
    void (*rest)(void* state) noexcept nogil


cdef class Layer:
    """One of a connection. Subclasses own the state."""
    cdef const LayerCalls* calls
    cdef void* state
    cdef readonly bint speaks_first
