"""What a user may publish and subscribe to (rules: server-inventory 2.5 and 3.8)."""
from libc.stdint cimport int64_t

from pynats_server.core.sublist cimport Sublist

cdef enum SubscribeVerdict:
    SUBSCRIBE_DENIED = 0
    SUBSCRIBE_ALLOWED = 1
    SUBSCRIBE_FILTERED = 2  # allowed, but deliveries must be checked against deny rules

cdef class Permissions:
    cdef Sublist publish_allow  # None = everything
    cdef Sublist publish_deny  # None = nothing
    cdef list subscribe_allow  # of (subject, queue) or None = everything
    cdef list subscribe_deny
    cdef readonly bint responses
    cdef readonly int64_t response_max  # negative = unlimited
    cdef readonly int64_t response_ttl_ns  # negative = unlimited
    cdef bint may_publish(self, const char* subject, size_t length) noexcept
    cdef SubscribeVerdict may_subscribe(self, bytes subject, bytes queue)
    cdef bint denies_delivery(self, const char* subject, size_t length, const char* queue, size_t queue_len) except -1
