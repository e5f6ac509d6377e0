"""Who is told of every message that comes to a stream and of every one that goes.

`StreamIndex.witness` is called from the few places where an index changes, after the change, so
what it reads of the index is true. It must not change the stream, and has no way to refuse: a
witness that cannot keep up (no memory) notes that it has to look anew.
"""

from libc.stdint cimport uint8_t, uint64_t


cdef class Witness:
    """Hears nothing; for subclasses."""

    cdef int came(self, uint64_t seq, const uint8_t *subject, size_t n) except -1:
        """A message was appended, as the last one."""
        return 0

    cdef int gone(self, uint64_t seq, const uint8_t *subject, size_t n, bint purged) except -1:
        """A live message was taken out: by a purge or a compaction, or else by a delete, a limit,
        its age or a rollup."""
        return 0

    cdef int swept(self) except -1:
        """Any number of messages came, went or turned out to be damaged without being named, maybe
        after some that were: what is known of the stream's messages has to be found anew."""
        return 0


cdef class Informer(Witness):
    """Tells Python functions: `on_came(seq, subject)`, `on_gone(seq, subject, purged)`,
    `on_swept()`. For streams where little happens."""

    def __init__(self, on_came, on_gone, on_swept):
        self.on_came, self.on_gone, self.on_swept = on_came, on_gone, on_swept

    cdef int came(self, uint64_t seq, const uint8_t *subject, size_t n) except -1:
        self.on_came(seq, subject[:n])
        return 0

    cdef int gone(self, uint64_t seq, const uint8_t *subject, size_t n, bint purged) except -1:
        self.on_gone(seq, subject[:n], purged)
        return 0

    cdef int swept(self) except -1:
        self.on_swept()
        return 0
