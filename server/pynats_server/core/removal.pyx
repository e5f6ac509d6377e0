"""See removal.pxd."""
from cpython.ref cimport Py_DECREF
from libc.string cimport memset

from pynats_server.core.engine cimport Engine
from pynats_server.core.interest.subscription cimport Subscription, close_subscription
from pynats_server.core.limits cimport REMOVE_STEPS, STEP_SUBJECT_SHIFT
from pynats_server.core.memory.bytemap cimport bytemap_free


cdef Removal removal_of(Account account, ByteMap* subscriptions):
    cdef Removal removal = Removal()
    removal.account = account
    removal.subscriptions = subscriptions[0]
    memset(subscriptions, 0, sizeof(ByteMap))
    return removal


cdef class Removal(Chore):
    cdef bint work(self, Engine engine, uint64_t until) except -1:
        cdef Subscription sub
        cdef void* found
        while self.at < self.subscriptions.capacity:
            if engine.routing.steps >= until:
                return True
            found = self.subscriptions.slots[self.at].value
            self.at += 1
            if found == NULL:
                continue
            sub = <Subscription>found
            engine.routing.steps += REMOVE_STEPS + (sub.subject_len >> STEP_SUBJECT_SHIFT)
            close_subscription(sub)
            sub.sink = None
            try:
                self.account.leave(sub)
            finally:
                Py_DECREF(sub)  # the reference of `subscriptions`
        bytemap_free(&self.subscriptions)
        self.at = 0
        return False
