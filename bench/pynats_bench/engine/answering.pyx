"""Loops that answer what they receive: the answers to one receive leave with one send."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.errno cimport errno
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from pynats_bench.engine.loop cimport Connection, Loop
from pynats_bench.engine.net cimport ECANCELED

cdef enum:
    SHOWN_MAX = 200   # bytes of what was refused


cdef class AnsweringLoop(Loop):
    """Base of them: what they send is gathered in one buffer."""

    def __cinit__(self, *args, **kwargs):
        self.out = <char *>PyMem_Calloc(1, OUT_BYTES)
        if self.out == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.out)

    cdef Text text(self, bytes given):
        cdef Text made
        self.owned.append(given)
        made.at, made.size = given, len(given)
        return made

    cdef bint put(self, Connection *connection, const char *data, size_t size) noexcept nogil:
        if self.filled + size > OUT_BYTES:
            if not self.flush(connection):
                return False
        memcpy(self.out + self.filled, data, size)
        self.filled += size
        return True

    cdef bint put_text(self, Connection *connection, Text text) noexcept nogil:
        return not text.size or self.put(connection, text.at, text.size)

    cdef bint flush(self, Connection *connection) noexcept nogil:
        if self.filled and self.transmit_all(connection, self.out, self.filled) != 0:
            self.unsent(connection)
            return False
        self.filled = 0
        return True

    cdef bint pull(self, Connection *connection, int index) noexcept nogil:
        self.fail(b"no task", 0)
        return False

    cdef void unsent(self, Connection *connection) noexcept nogil:
        cdef int code = errno
        if code != ECANCELED and not self.breaking:
            # The server's reason arrives before the reset: report it instead, if there is one.
            self.breaking = True
            self.filled = 0
            self.pull(connection, <int>(connection - self.connections))
        self.fail_at(connection, b"send", code)

    cdef bint refuse(
        self, Connection *connection, const char *reason, const char *at, size_t size
    ) noexcept nogil:
        cdef size_t shown = 0
        while shown < size and shown < SHOWN_MAX and at[shown] != 13:
            shown += 1
        if not self.failed:
            self.fail_at(connection, b"", 0)
            snprintf(self.error, sizeof(self.error), b"%s: %.*s", reason, <int>shown, at)
        return False
