"""TLS below a loop's connection: its session's records instead of bytes on the socket."""

from libc.stdint cimport int64_t

from pynats_server.core.sockets.layer cimport LayerCalls

cdef enum:
    SECURE_PASS = 65536  # bytes sealed before a send: four records, as client libraries flush


cdef struct Secure:
    const LayerCalls *calls
    void *state
    char *room    # records that have been sealed; allocated with the first
    size_t start  # of them, what the socket has not taken yet
    size_t end


# Bytes of `data` that are on their way or sealed, or -1 with errno, EAGAIN above all.
cdef ssize_t secure_send(Secure *self, int fd, const char *data, size_t size) noexcept nogil
# `send_all` of all of them and what is left of others.
cdef int secure_send_all(
    Secure *self, int fd, const char *data, size_t size, const bint *stopping, int64_t patience_ns
) noexcept nogil
# One recv into `sealed`, opened into `to`, which has as much room and a record more. Bytes, 0 for
# none yet, or -1 with errno (0: the peer has ended the connection).
cdef ssize_t secure_receive(
    Secure *self, int fd, char *sealed, size_t size, char *to, size_t room
) noexcept nogil
cdef void secure_free(Secure *self) noexcept nogil
