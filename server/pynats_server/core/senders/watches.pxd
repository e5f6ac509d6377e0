"""Who wants to know when interest in a literal subject comes or goes.

A watcher is told that something may have changed, at the end of the turn in which it did, once for
all changes of the turn; it looks for itself. A literal subscription costs one look-up. A wildcard
walks the watched subjects, token by token; where it could reach very many, all watchers are told
instead, some per turn, so that one subscription costs the same however many there are.
"""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.bytemap cimport ByteMap
from pynats_server.core.engine cimport Chore, Engine
from pynats_server.core.interest.sublist cimport Observer


cdef struct Twig:
    # A token of watched subjects.
    ByteMap children
    void* spot  # Spot of the subject that ends here, or NULL
    char* token
    uint32_t token_len


cdef class Spot:
    """A watched subject."""
    cdef bytes subject
    cdef list watches
    cdef bint is_due
    cdef Py_ssize_t place  # in `spots`


cdef class Watch:
    cdef Spot spot  # None = ended
    cdef object callback


cdef class Watches(Observer):
    cdef Engine engine
    cdef ByteMap by_subject  # -> Spot, owned by `spots`
    cdef Twig* root
    cdef list spots
    cdef object due  # deque of Spots whose watchers are to be told
    cdef Py_ssize_t sweep_at  # the next one of `spots`, while all are being told
    cdef Py_ssize_t sweep_left
    cdef bint scheduled
    cdef Chore telling
    cdef readonly uint64_t told  # calls so far

    cdef Watch add(self, bytes subject, object callback)
    # Whether it was the last one.
    cdef bint drop(self, Watch watch) except -1
    cdef int mark(self, Spot spot) except -1
    cdef int schedule(self) except -1
    cdef bint tell(self, Engine engine, uint64_t until) except -1
    cdef int tell_one(self, Spot spot) except -1
