from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.store.block cimport Block, Message
from pynats_server.jetstream.store.expiry cimport ExpiryQueue
from pynats_server.jetstream.store.rings cimport Rings
from pynats_server.jetstream.store.turns cimport Turn


cdef enum:
    EVICT_MAX = 64         # messages that one publish removes at most
    BEHIND_A_SUBJECT = 1   # what limits have still to remove: of some subject
    BEHIND_IN_ALL = 2      # of the whole stream


cdef class Run:
    """Messages whose times are in order: `start` to `stop` - 1."""
    cdef uint64_t start, stop
    cdef Turn begins, ends             # None at the ends of the stream


cdef class Retention(Rings):
    cdef public int behind
    cdef int left_at                    # messages of the subject that `enforce` took out before it
                                       # left the rest because of `gathering`; -1 = it did not
    cdef readonly Block unread         # where `expired` ended
    cdef public bint dead              # a block other than the tail has no live message
    cdef public bint floor_due         # messages left the front without a record of their own
    cdef public uint64_t passed        # limits, ages and purges have removed everything up to here
    cdef public bint burying           # they get one, for nats-server, which knows no floors
    cdef public dict due               # {seq: when}: ran out, not yet removed
    cdef Py_ssize_t sweep              # entries of `expiries` still to look at for dead ones
    cdef uint64_t ageless              # every live message below never ages
    cdef readonly ExpiryQueue noticed  # of messages with a time to come, by the steady clock
    cdef uint64_t *journal             # evicted since the last flush
    cdef Py_ssize_t journaled, journal_room

    # `append_raw`, then `enforce` with the stream's limits: the path of every publish.
    cdef int enforce(self, uint64_t max_msgs, uint64_t max_bytes, uint64_t max_per_subject,
                     const uint8_t *subject, size_t sn, int most) except -1
    cdef int evict(self, uint64_t seq) except -1
    cdef int displace_older(self, const uint8_t *subject, size_t sn) except -1
    cdef int relink(self, uint64_t seq) except -1
    cdef int tidy_expiries(self) except -1
    cdef next_aging(self, Run run, uint64_t start, bint glance)
    cdef list runs(self)
    cdef int take_due(self, ExpiryQueue queue, int64_t now, Py_ssize_t most, bint by_wall) except -1
    cdef int64_t runs_out(self, Run run, object aged, int64_t max_age_ns, int64_t now) except? -1
