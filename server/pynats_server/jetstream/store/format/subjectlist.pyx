"""The subjects of index.db, read without an object for each: there may be ten million.

A count, then for every subject its size, its bytes, its messages, and the numbers of its first and
of its last block; the last is left out of one-message subjects before version 4 (`with_last`).
"""

from libc.stdint cimport uint8_t, uint64_t

from pynats_server.jetstream.store.pieces cimport PIECE, let_others_run
from pynats_server.jetstream.store.subjects cimport SubjectTree
from pynats_server.jetstream.store.format.varint cimport get_uvarint


cdef const uint8_t *next_listed(const uint8_t *p, const uint8_t *end, bint with_last,
                                Listed *found) noexcept nogil:
    """Read one entry; returns what follows, NULL when it is cut off."""
    p = get_uvarint(p, end, &found.size)
    if p == NULL or found.size > <uint64_t>(end - p) or not 0 < found.size <= 0xFFFF:
        return NULL
    found.subject = p
    p = get_uvarint(p + found.size, end, &found.total)
    if p != NULL:
        p = get_uvarint(p, end, &found.first)
    found.last = found.first
    if p != NULL and (with_last or found.total > 1):
        p = get_uvarint(p, end, &found.last)
    return p


def list_end(const uint8_t[::1] data, Py_ssize_t at, bint with_last):
    """Where the list that begins at `at` ends; ValueError when it is cut off or malformed."""
    cdef const uint8_t *start = &data[0] if data.shape[0] else NULL
    cdef const uint8_t *p
    cdef const uint8_t *end = start + data.shape[0]
    cdef uint64_t count
    cdef Listed entry
    if not 0 <= at <= data.shape[0]:
        raise ValueError("outside of the data")
    with nogil:
        p = get_uvarint(start + at, end, &count)
        while p != NULL and count:
            p = next_listed(p, end, with_last, &entry)
            count -= 1
    if p == NULL:
        raise ValueError("the list of subjects is cut off")
    return p - start


def subjects_of(const uint8_t[::1] data, bint with_last):
    """A tree of the subjects in a list that `list_end` has accepted."""
    cdef const uint8_t *p = &data[0]
    cdef const uint8_t *end = p + data.shape[0]
    cdef uint64_t count
    cdef Listed entry
    cdef SubjectTree tree = SubjectTree()
    p = get_uvarint(p, end, &count)
    while p != NULL and count:
        p = next_listed(p, end, with_last, &entry)
        count -= 1
        if count % PIECE == 0:
            let_others_run()
        if p != NULL:
            tree.get_or_add(entry.subject, entry.size)
    return tree
