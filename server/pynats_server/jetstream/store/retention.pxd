from libc.stdint cimport int64_t, uint8_t, uint64_t

from pynats_server.jetstream.store.ages.ages cimport Ages
from pynats_server.jetstream.store.block cimport Block, Message


cdef enum:
    EVICT_MAX = 64         # messages that one publish removes at most
    BEHIND_A_SUBJECT = 1   # what limits have still to remove: of some subject
    BEHIND_IN_ALL = 2      # of the whole stream


cdef class Retention(Ages):
    cdef public int behind
    cdef public uint64_t written_seq   # a full disk takes back nothing up to here
    cdef int left_at                    # messages of the subject that `enforce` took out before it
                                       # left the rest because of `gathering`; -1 = it did not
    cdef public bint dead              # a block other than the tail has no live message
    cdef public bint floor_due         # messages left the front without a record of their own
    cdef public bint burying           # they get one, for nats-server, which knows no floors
    cdef public uint64_t passed        # limits, ages and purges have removed everything up to here
    cdef uint64_t *journal             # evicted since the last flush
    cdef Py_ssize_t journaled, journal_room

    # `append_raw`, then `enforce` with the stream's limits: the path of every publish.
    cdef int enforce(self, uint64_t max_msgs, uint64_t max_bytes, uint64_t max_per_subject,
                     const uint8_t *subject, size_t sn, int most) except -1
    cdef int evict(self, uint64_t seq) except -1
    cdef int displace_older(self, const uint8_t *subject, size_t sn) except -1
    cdef int relink(self, uint64_t seq) except -1
