"""When messages run out, by their TTLs and the stream's `max_age`, also where the clock was set."""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.jetstream.store.ages.turns cimport Turn
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.expiry cimport ExpiryQueue
from pynats_server.jetstream.store.rings cimport Rings


cdef class Run:
    """Messages whose times are in order: `start` to `stop` - 1."""
    cdef uint64_t start, stop
    cdef Turn begins, ends             # None at the ends of the stream


cdef class Ages(Rings):
    cdef readonly Block unread         # where `expired` ended
    cdef public dict due               # {seq: when}: ran out, not yet removed
    cdef Py_ssize_t sweep              # entries of `expiries` still to look at for dead ones
    cdef uint64_t ageless              # every live message below never ages
    cdef readonly ExpiryQueue noticed  # of messages with a time to come, by the steady clock

    cdef int tidy_expiries(self) except -1
    cdef int take_due(self, ExpiryQueue queue, int64_t now, Py_ssize_t most, bint by_wall) except -1
    cdef list runs(self)
    cdef int64_t runs_out(self, Run run, object aged, int64_t max_age_ns, int64_t now) except? -1
    cdef next_aging(self, Run run, uint64_t start, bint glance)
