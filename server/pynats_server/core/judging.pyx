"""See judging.pxd."""
from libc.stdint cimport uint64_t

from pynats_server.core.account cimport set_filtered
from pynats_server.core.engine cimport PAUSE_JUDGE, Engine
from pynats_server.core.limits cimport REMOVE_STEPS
from pynats_server.core.permissions cimport (
    SUBSCRIBE_ALLOWED, SUBSCRIBE_DENIED, SUBSCRIBE_FILTERED, Permissions,
)


cdef class Judgement(Chore):
    cdef bint work(self, Engine engine, uint64_t until) except -1:
        cdef Receiver client = self.client
        cdef Subscription sub
        while self.left and client.judging is self and not client.closing:
            if engine.routing.steps >= until:
                return True
            sub = self.left.pop()
            if not sub.closed:
                self.judge(sub)
        if client.judging is self:
            client.judging = None
            if client.account is not None:
                client.account.sublist.touch_all()
            if client.paused & PAUSE_JUDGE:
                client.resume(PAUSE_JUDGE)
        return False

    cdef int judge(self, Subscription sub) except -1:
        cdef Receiver client = self.client
        cdef Permissions permissions = client.permissions
        client.engine.routing.steps += REMOVE_STEPS
        verdict = SUBSCRIBE_ALLOWED
        if permissions is not None:
            client.engine.routing.steps += permissions.subscribe_steps
            verdict = permissions.may_subscribe(sub.subject, sub.queue)
        set_filtered(sub, verdict == SUBSCRIBE_FILTERED)
        if verdict == SUBSCRIBE_DENIED:
            client.drop_subscription(sub)
            if self.removed is not None:
                self.removed(sub)
        return 0


cdef Judgement judgement_of(Receiver client, object removed):
    cdef Judgement judgement = Judgement()
    cdef Subscription sub
    judgement.client = client
    judgement.removed = removed
    judgement.left = client.subscription_list()
    for sub in judgement.left:
        set_filtered(sub, True)
    client.account.sublist.touch_all()
    client.judging = judgement
    return judgement
