"""Takes the subscriptions of a connection out of its account's list, a few per turn.

A client may have as many as it likes, and nobody waits for their end: they get no messages any more
from the moment on when they are handed over.
"""
from libc.stdint cimport uint32_t, uint64_t

from pynats_server.core.account cimport Account
from pynats_server.core.engine cimport Chore
from pynats_server.core.memory.bytemap cimport ByteMap


cdef class Removal(Chore):
    cdef Account account
    cdef ByteMap subscriptions  # sid -> Subscription, owned references
    cdef uint32_t at  # slot

# Takes over all that is in `subscriptions`, which is empty afterwards.
cdef Removal removal_of(Account account, ByteMap* subscriptions)
