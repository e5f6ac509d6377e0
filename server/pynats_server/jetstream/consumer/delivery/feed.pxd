"""What a consumer is sent: what comes next, its delivery, and what becomes of it.

`Feed` finds the next message (first what is to be delivered again, then what comes next in the
stream), builds it with its acknowledgement subject and hands it to its subclass, which knows who
gets it: `pulls.PullFeed` or `push.PushFeed`. The subclass answers `ready`, `give`, `dry`, `timed`.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Sink
from pynats_server.jetstream.consumer.delivery.alarms cimport Alarmed, Alarms
from pynats_server.jetstream.consumer.delivery.interest cimport Interest, Member
from pynats_server.jetstream.consumer.delivery.state cimport ConsumerState, Entry
from pynats_server.jetstream.store.block cimport Block
from pynats_server.jetstream.store.retention cimport Retention
from pynats_server.jetstream.store.search.seeker cimport Seeker


cdef enum Found:
    NOTHING  # all that is visible has been looked at
    FOUND
    FULL  # too many messages wait for their acknowledgement
    NOT_YET  # a rate, the original pace, or a block that is being read
    UNFINISHED  # more has to be looked at than the budget allows

cdef enum Given:
    GAVE
    NOBODY  # the receiver is gone; there may be another one
    HALT  # a receiver has a backlog; it calls when that is over


cdef class Bell(Alarmed):
    """Rings for a feed, which is a `Member` already."""
    cdef Feed feed


cdef class Feed(Member):
    cdef readonly ConsumerState state
    cdef readonly Interest interest
    cdef Retention store
    cdef readonly Account account
    cdef readonly object host  # see `FeedHost` in consumer.py
    cdef Alarms alarms
    cdef Bell bell
    # Of the configuration; 0 = unlimited.
    cdef readonly uint64_t max_deliver
    cdef readonly uint64_t max_ack_pending
    cdef int64_t ack_wait_ns
    cdef list backoff_ns
    cdef bint headers_only
    cdef bint original_pace
    cdef bint retains  # the stream keeps messages for its consumers' sake
    cdef uint32_t sample  # percent
    cdef bytes ack_head  # `$JS.ACK.<stream>.<consumer>.`
    cdef public bint paused
    cdef readonly bint held  # it is being counted what is before it
    cdef int64_t now  # of the deliveries at hand, ns
    cdef readonly int64_t last_delivered_ns, last_acked_ns
    cdef public int64_t touched_ns  # monotonic; when somebody last used the consumer
    cdef int64_t pace_ns  # timestamp of the last message that was new, see original_pace
    cdef uint64_t marked  # changes of the state that were noticed
    # For redelivery, in order.
    cdef uint64_t* again
    cdef size_t again_head, again_tail, again_room
    # Sequences to begin with, up to `resume`, where it goes on; see `last_per_subject`.
    cdef list firsts
    cdef Py_ssize_t firsts_at
    cdef uint64_t resume
    # What `find` has found.
    cdef Block block
    cdef Py_ssize_t slot
    cdef Entry* entry  # of a redelivery
    cdef Seeker seeker  # of what comes next, with filters
    cdef bint loading
    # The message being built.
    cdef uint8_t* scratch
    cdef size_t scratch_room
    cdef bytes extra  # header lines to add

    cdef uint64_t pending(self) except? 0xFFFFFFFFFFFFFFFF
    # Messages to deliver, for the first time or again, counted up to `most`.
    cdef uint64_t deliverable(self, uint64_t most) except? 0xFFFFFFFFFFFFFFFF
    cdef bint has_again(self) except -1  # something is to be delivered again
    cdef Found find(self, uint64_t until) except *
    cdef Found _find_again(self) except *
    cdef Found _find_new(self, uint64_t until) except *
    cdef bint _send(self) except -1
    cdef int _build(self, Message* msg, const uint8_t* record) except -1
    cdef int _make_room(self, size_t need) except -1
    cdef int _rewrite(self, Message* msg, bytes extra, bint with_body) except -1
    # Copies the message out of the block: one receiver may change what the next still needs.
    cdef int detach(self, Message* msg) except -1
    cdef Found _seek(self, uint64_t limit) except *
    cdef bint _skip(self) except -1
    cdef Found _at_end(self, uint64_t limit) except *
    cdef Found _paced(self, int64_t ts) except *
    cdef Block holder(self, uint64_t seq)
    cdef int load(self, Block block) except -1
    cdef int strike(self, uint64_t seq) except -1
    cdef bint is_mine(self, uint64_t seq) except -1
    cdef int interest_done(self, uint64_t seq) except -1
    cdef int wait_from(self, Entry* entry, int64_t ts) except -1
    cdef int put_again(self, Entry* entry) except -1
    cdef int64_t wait_ns(self, uint32_t count) noexcept
    cdef int exhaust(self, Entry* entry) except -1
    cdef int64_t expire(self, int64_t now) except -1
    cdef int changed(self) except -1
    cdef int wake(self) except -1
    cdef int ack(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1
    cdef int confirm(self, uint64_t delivery, uint64_t seq, uint32_t count) except -1
    cdef int nak(self, uint64_t delivery, uint64_t seq, uint32_t count, delay_ns) except -1
    cdef int terminate(self, uint64_t delivery, uint64_t seq, uint32_t count, reason) except -1
    cdef bint is_at_limit(self) noexcept  # as many wait for their acknowledgement as may
    cdef int say(self, bytes inbox, bytes status) except -1  # a status line, maybe with headers
    cdef int want_alarm(self, int64_t at) except -1

    # For subclasses.
    cdef bint ready(self) except -1
    cdef Given give(self, Message* msg, size_t size) except *
    cdef int gave(self) except -1  # what was given is in the state
    cdef int dry(self) except -1
    cdef int64_t timed(self, int64_t now) except -1
