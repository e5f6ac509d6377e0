"""What a user may publish and subscribe to (docs.nats.io, "Authorization")."""
from libc.stdint cimport int64_t

from pynats_server.core.interest.sublist cimport Sublist

cdef enum SubscribeVerdict:
    SUBSCRIBE_DENIED = 0
    SUBSCRIBE_ALLOWED = 1
    SUBSCRIBE_FILTERED = 2  # allowed, but deliveries must be checked against deny rules

cdef class Rules:
    """Entries for subscriptions: subjects, some of them for queue groups only."""
    cdef Sublist plain  # those for everybody
    cdef list subjects  # the same, one by one
    cdef list queued  # (subject, pattern of queue names)
    cdef size_t steps(self) noexcept


cdef class Permissions:
    cdef Sublist publish_allow  # None = everything
    cdef Sublist publish_deny  # None = nothing
    cdef Rules subscribe_allow  # None = everything
    cdef Rules subscribe_deny  # None = nothing
    cdef readonly bint responses
    cdef readonly int64_t response_max  # negative = unlimited
    cdef readonly int64_t response_ttl_ns  # negative = unlimited
    cdef bint may_publish(self, const char* subject, size_t length) noexcept
    # What a SUB costs, in steps.
    cdef readonly size_t subscribe_steps
    cdef SubscribeVerdict may_subscribe(self, bytes subject, bytes queue)
    cdef SubscribeVerdict _denied(self, bytes subject, bytes queue)
    cdef bint denies_delivery(self, const char* subject, size_t length, const char* queue, size_t queue_len) except -1


cdef class ReplyGrants:
    """allow_responses: the reply subjects that received requests have opened."""
    cdef dict grants  # reply subject -> [messages left, expiry ns]
    cdef int64_t most  # messages per request, negative = unlimited
    cdef int64_t ttl_ns  # negative = unlimited
    cdef size_t sweep_at  # size at which expired ones are dropped next

    cdef int grant(self, bytes reply, int64_t now) except -1
    # Whether the subject is open, and counts the use.
    cdef bint take(self, const char* subject, size_t length, int64_t now) except -1
