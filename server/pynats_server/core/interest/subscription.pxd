"""A subscription, and what it delivers to."""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.figures cimport Counted
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.rename cimport Rename


cdef class Sink(Counted):
    """What a subscription delivers to: a connection, or a part of the server."""
    # Returns 1 when the message was taken, 0 when not (closed, filtered, auto-unsubscribed).
    cdef int deliver(self, Subscription sub, Message* msg, Sink source) except -1
    # As `deliver`, for a message whose way is noted by `trail` (tracing.trail.Trail); what only traces
    # is not delivered. Sinks that say nothing deliver it in any case: services of the server run.
    cdef int trace(self, Subscription sub, Message* msg, Sink source, object trail) except -1
    # `receiver` took a message of this one and has a large backlog now.
    cdef int stalled_by(self, Sink receiver, size_t pending) except -1
    # A message to a subject with this `bytemap_hash` comes soon: fetches in `step` 0, then 1, what
    # will be looked at. Only where `foresees`.
    cdef void foresee(self, uint32_t hash, int step) noexcept
    cdef bint foresees
    cdef bint skip_own  # do not deliver to the sink that published (echo: false)
    cdef bint full  # has a backlog, and lets senders of the server know when that is over


cdef class Subscription:
    cdef Sink sink
    cdef readonly Rename rename  # None = messages keep their subject
    cdef char* text  # subject, sid and queue name in one block, with blanks around the sid
    cdef uint32_t subject_len
    cdef uint32_t sid_len
    cdef uint32_t queue_len
    cdef uint32_t index  # place in the set that holds it
    cdef readonly uint64_t delivered
    cdef readonly uint64_t max  # 0 = no limit
    cdef bint closed
    cdef bint wildcard
    cdef bint filtered  # overlaps a deny rule: check each delivery
    # Subscriptions at other accounts that deliver for this one (`sharing.shadows`), or None; and for
    # which one this delivers. They refer to each other until they have left.
    cdef list shadows
    cdef Subscription origin
    cdef object home  # the Account whose list a shadow is in; None for others
    cdef object taken  # the import that a shadow is for

    cdef inline const char* c_subject(self) noexcept nogil:
        return self.text

    cdef inline const char* c_sid(self) noexcept nogil:
        return self.text + self.subject_len + 1

    cdef inline const char* c_queue(self) noexcept nogil:
        return self.text + self.subject_len + self.sid_len + 2

    # The sid between blanks, as it stands in a delivery: sid_len + 2 bytes.
    cdef inline const char* c_sid_field(self) noexcept nogil:
        return self.text + self.subject_len


# Delivers a message to the sink under the name that it has there.
cdef int deliver_renamed(Subscription sub, Message* msg, Sink source) except -1


# Delivers a message to the sink of a subscription, which is not closed.
cdef inline int hand_over(Subscription sub, Message* msg, Sink source) except -1:
    if sub.rename is None:
        return sub.sink.deliver(sub, msg, source)
    return deliver_renamed(sub, msg, source)


# Nothing is delivered any more, to those that deliver for it neither.
cdef inline void close_subscription(Subscription sub) noexcept:
    sub.closed = True
    if sub.shadows is not None:
        close_shadows(sub)


cdef void close_shadows(Subscription sub) noexcept
cdef Subscription new_subscription(
    Sink sink,
    const char* subject, size_t subject_len,
    const char* queue, size_t queue_len,
    const char* sid, size_t sid_len,
)
