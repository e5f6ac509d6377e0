"""New permissions of a client, applied to the subscriptions that it had, one after the other: where
there are many this takes some turns, in which each of its deliveries is judged."""
from pynats_server.core.engine cimport Chore
from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.receiver cimport Receiver


cdef class Judgement(Chore):
    cdef Receiver client
    cdef object removed
    cdef list left

    cdef int judge(self, Subscription sub) except -1


# Begins: until it is over, deliveries to all of them are looked at. Calls `removed(sub)` for each
# that is ended.
cdef Judgement judgement_of(Receiver client, object removed)
