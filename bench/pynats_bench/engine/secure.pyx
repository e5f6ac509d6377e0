"""See secure.pxd."""

from libc.errno cimport EAGAIN, EINTR, ENOMEM, EPROTO, errno
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from pynats_bench.engine.net cimport (
    MSG_NOSIGNAL, PATIENCE_NS, recv, send, send_all, set_errno,
)
from pynats_server.core.sockets.layer cimport LAYER_ENDED, LAYER_OVERHEAD, LAYER_RECORD

cdef enum:
    ROOM = 67584  # a pass of four records, and LAYER_OVERHEAD for each


cdef int _seal(Secure *self, const char *data, size_t size) noexcept nogil:
    """Makes records of at most SECURE_PASS bytes; there is nothing in the room."""
    cdef size_t at = 0, part
    cdef ssize_t made
    if self.room == NULL:
        self.room = <char *>malloc(ROOM)
        if self.room == NULL:
            set_errno(ENOMEM)
            return -1
    self.start = self.end = 0
    while at < size:
        part = min(size - at, <size_t>LAYER_RECORD)
        made = self.calls.seal(self.state, data + at, part, self.room + self.end, ROOM - self.end)
        if made < 0:
            set_errno(EPROTO)
            return -1
        self.end += made
        at += part
    return 0


cdef int _push(Secure *self, int fd) noexcept nogil:
    """Sends what is in the room, as far as the socket takes it."""
    cdef ssize_t sent
    while self.start < self.end:
        sent = send(fd, self.room + self.start, self.end - self.start, MSG_NOSIGNAL)
        if sent < 0:
            if errno == EINTR:
                continue
            return -1
        self.start += sent
    return 0


cdef ssize_t secure_send(Secure *self, int fd, const char *data, size_t size) noexcept nogil:
    if _push(self, fd) != 0:
        return -1
    size = min(size, <size_t>SECURE_PASS)
    if _seal(self, data, size) != 0:
        return -1
    if _push(self, fd) != 0 and errno != EAGAIN:
        return -1
    return size


cdef int secure_send_all(
    Secure *self, int fd, const char *data, size_t size, const bint *stopping, int64_t patience_ns
) noexcept nogil:
    cdef size_t part
    while True:
        if self.start < self.end:
            if send_all(
                fd, self.room + self.start, self.end - self.start, stopping, patience_ns
            ) != 0:
                return -1
            self.start = self.end
        if size == 0:
            return 0
        part = min(size, <size_t>SECURE_PASS)
        if _seal(self, data, part) != 0:
            return -1
        data += part
        size -= part


cdef ssize_t secure_receive(
    Secure *self, int fd, char *sealed, size_t size, char *to, size_t room
) noexcept nogil:
    cdef char answer[LAYER_OVERHEAD]
    cdef size_t opened = 0
    cdef ssize_t got = recv(fd, sealed, size, 0)
    if got <= 0:
        if got == 0:
            set_errno(0)
        elif errno == EAGAIN or errno == EINTR:
            return 0
        return -1
    if self.calls.feed(self.state, sealed, got) < 0:
        set_errno(ENOMEM)
        return -1
    while True:
        got = self.calls.open(self.state, to + opened, room - opened)
        if got <= 0:
            break
        opened += got
    if got < 0 and not (got == LAYER_ENDED and opened):  # the end is seen again by the next recv
        set_errno(0 if got == LAYER_ENDED else EPROTO)
        return -1
    got = self.calls.take(self.state, answer, sizeof(answer))  # to a key update
    if got > 0 and (
        secure_send_all(self, fd, NULL, 0, NULL, PATIENCE_NS) != 0
        or send_all(fd, answer, got, NULL, PATIENCE_NS) != 0
    ):
        return -1
    return opened


cdef void secure_free(Secure *self) noexcept nogil:
    if self != NULL:
        free(self.room)
        free(self)
