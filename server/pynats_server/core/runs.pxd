"""A run: consecutive messages with one control line, made into deliveries.

The deliveries of one message to several receivers differ in the sid only. So a run is written once,
as one block, and the next receiver gets the same block: as it is when its sid is the same (replicas
of a program number their subscriptions alike), with the sids overwritten when they have the same
length, written anew otherwise.
"""
from pynats_server.core.sublist cimport Message, Subscription


cdef struct Run:
    const char* frames  # the published frames, one after the other, of equal size
    size_t line_len  # of their control line
    size_t count
    Message* msg  # what they have in common: subject, sizes
    char* block  # the deliveries: room for `count` of them and RUN_SLACK bytes
    size_t piece  # size of one delivery, 0 = nothing written yet
    size_t sid_at  # place of the sid in a delivery
    size_t sid_len


# Bytes of a delivery in front of its payload, at most.
cdef size_t run_header_max(Message* msg, size_t sid_len) noexcept
# Makes `block` the deliveries to one subscription.
cdef void run_address(Run* run, Subscription sub) noexcept
