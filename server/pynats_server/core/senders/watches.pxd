"""Who wants to know when somebody subscribes to exactly one subject, or ceases to.

A watcher is told that something has changed, at the end of the turn in which it did, once for all
changes of the turn; it looks for itself. Wildcards that match the subject tell nobody: who listens to
everything does not ask for what would be sent to a subject only on request (`listens`). So a
subscription costs one look-up, however many watchers there are.
"""
from libc.stdint cimport uint64_t

from pynats_server.core.engine cimport Chore, Engine
from pynats_server.core.interest.sublist cimport Observer
from pynats_server.core.memory.bytemap cimport ByteMap


cdef class Spot:
    """A watched subject."""
    cdef bytes subject
    cdef list watches
    cdef bint is_due


cdef class Watch:
    cdef Spot spot  # None = ended
    cdef object callback


cdef class Watches(Observer):
    cdef Engine engine
    cdef ByteMap spots  # subject -> Spot, owned references
    cdef object due  # deque of Spots whose watchers are to be told
    cdef bint scheduled
    cdef Chore telling

    cdef Watch add(self, bytes subject, object callback)
    # Whether it was the last one.
    cdef bint drop(self, Watch watch) except -1
    cdef bint tell(self, Engine engine, uint64_t until) except -1
    cdef int tell_one(self, Spot spot) except -1
