"""A run: consecutive messages with one control line, made into deliveries.

The deliveries of one message to several receivers differ only in the sid. So a run is written once,
as one block, and the next receiver gets the same block: unchanged if its sid is the same (replicas of
a program number their subscriptions alike), with the sids overwritten if they have the same length,
and written anew otherwise, as where the subject has another name.
"""
from pynats_server.core.interest.message cimport Message
from pynats_server.core.interest.subscription cimport Subscription


cdef struct Run:
    const char* frames  # the published frames, one after the other, of equal size
    size_t line_len  # of their control line
    size_t count
    Message* msg  # what they have in common: subject, sizes
    char* block  # the deliveries: room for `count` of them and RUN_SLACK bytes
    size_t piece  # size of one delivery, 0 = nothing written yet
    size_t sid_at  # place of the sid in a delivery
    size_t sid_len
    void* rename  # the Rename that the deliveries have, NULL = none


# Makes `block` the deliveries to one subscription.
cdef void run_address(Run* run, Subscription sub) noexcept
