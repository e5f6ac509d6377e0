"""The subscriptions of one subject: plain ones, and queue groups by name.

Most subjects have one subscriber, so a set of one needs no memory of its own. A set owns one
reference on each of its subscriptions.
"""
from libc.stdint cimport uint32_t

from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.memory.bytemap cimport ByteMap


cdef struct SubArray:
    # capacity 0: `items` itself is the only item (most subjects have one subscriber).
    void** items
    uint32_t length
    uint32_t capacity

cdef struct QueueGroup:
    char* name
    uint32_t name_len
    SubArray members

cdef struct QueueSet:
    QueueGroup* groups
    uint32_t length
    ByteMap places  # name -> place + 1; only beyond QUEUE_SCAN_MAX groups

cdef struct SubSet:
    SubArray plain
    QueueSet* queues  # NULL = none, the usual case


cdef int set_add(SubSet* self, Subscription sub) except -1
# False when it is not there.
cdef bint set_remove(SubSet* self, Subscription sub) noexcept
cdef void set_free(SubSet* self) noexcept

cdef inline void** array_items(SubArray* self) noexcept:
    return <void**>&self.items if self.capacity == 0 else self.items

cdef inline bint set_is_empty(SubSet* self) noexcept:
    return self.plain.length == 0 and self.queues == NULL
