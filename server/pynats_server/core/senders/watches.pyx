"""See watches.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint32_t, uint64_t

from collections import deque

from pynats_server.core.interest.subscription cimport Subscription
from pynats_server.core.limits cimport CALL_STEPS, TELL_STEPS
from pynats_server.core.memory.bytemap cimport bytemap_free, bytemap_get, bytemap_pop, bytemap_put
from pynats_server.core.subject cimport SUBJECT_LITERAL, subject_kind


cdef class Watch:
    """Ended by `Account.unwatch`."""


cdef class Telling(Chore):
    cdef Watches watches

    cdef bint work(self, Engine engine, uint64_t until) except -1:
        return self.watches.tell(engine, until)


cdef class Watches(Observer):
    def __init__(self, Engine engine not None):
        cdef Telling telling = Telling()
        telling.watches = self
        self.engine = engine
        self.due = deque()
        self.telling = telling

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.spots.capacity):
            if self.spots.slots[i].value != NULL:
                Py_DECREF(<Spot>self.spots.slots[i].value)
        bytemap_free(&self.spots)

    cdef Watch add(self, bytes subject, object callback):
        cdef const char* p = subject
        cdef Spot spot
        cdef Watch watch
        cdef void* found = bytemap_get(&self.spots, p, len(subject))
        if found != NULL:
            spot = <Spot>found
        else:
            if subject_kind(p, len(subject)) != SUBJECT_LITERAL:
                raise ValueError(f"not a subject to watch: {subject!r}")
            spot = Spot()
            spot.subject = subject
            spot.watches = []
            bytemap_put(&self.spots, p, len(subject), <void*>spot)
            Py_INCREF(spot)
        watch = Watch()
        watch.spot = spot
        watch.callback = callback
        spot.watches.append(watch)
        return watch

    cdef bint drop(self, Watch watch) except -1:
        cdef Spot spot = watch.spot
        if spot is None:
            return False
        watch.spot = None
        watch.callback = None
        spot.watches.remove(watch)
        if spot.watches:
            return False
        bytemap_pop(&self.spots, spot.subject, len(spot.subject))
        Py_DECREF(spot)
        return self.spots.used == 0

    cdef int changed(self, Subscription sub) except -1:
        cdef Spot spot
        cdef void* found = bytemap_get(&self.spots, sub.c_subject(), sub.subject_len)
        if found == NULL:
            return 0
        spot = <Spot>found
        if not spot.is_due:
            spot.is_due = True
            self.due.append(spot)
            if not self.scheduled:
                self.scheduled = True
                self.engine.at_turn_end(self._tell_now)
        return 0

    def _tell_now(self) -> None:
        """As many as a turn's end has time for; the rest is a chore."""
        if self.tell(self.engine, self.engine.routing.steps + TELL_STEPS):
            self.engine.add_chore(self.telling)

    cdef bint tell(self, Engine engine, uint64_t until) except -1:
        cdef Spot spot
        while self.due:
            if engine.routing.steps >= until:
                return True
            spot = self.due.popleft()
            spot.is_due = False
            self.tell_one(spot)
        self.scheduled = False
        return False

    cdef int tell_one(self, Spot spot) except -1:
        cdef Watch watch
        for watch in list(spot.watches):
            if watch.spot is None:
                continue  # ended by one of those before
            self.engine.routing.steps += CALL_STEPS
            try:
                watch.callback()
            except Exception as error:
                self.engine.handler.on_internal_error(watch, error)
        return 0
