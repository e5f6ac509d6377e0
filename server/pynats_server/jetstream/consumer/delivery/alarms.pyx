"""See alarms.pxd."""
from pynats_server.jetstream.clock cimport wall_ns

import heapq

cdef enum:
    RING_AT_ONCE = 64  # consumers in one go; the rest in the loop's next pass

cdef double SECOND = 1e9
cdef double LOOK_AGAIN_S = 1.0  # the clock may be set


cdef class Alarmed:
    cdef int ring(self, int64_t now) except -1:
        raise NotImplementedError


cdef class Alarms:
    """Of one server. `on_error(exception)` is told of bugs met while ringing."""

    def __init__(self, loop, engine, on_error):
        self.loop = loop
        self.engine = engine
        self.on_error = on_error
        self.heap = []

    cdef int want(self, Alarmed who, int64_t at) except -1:
        if at <= 0 or (who.alarm_at and who.alarm_at <= at):
            return 0
        who.alarm_at = at
        self.count += 1
        heapq.heappush(self.heap, (at, self.count, who))
        return self._arm()

    cdef int _arm(self) except -1:
        cdef int64_t at
        if not self.heap or self.stopped:
            return 0
        at = self.heap[0][0]
        if self.timer is not None:
            if self.timer_at <= at:
                return 0
            self.timer.cancel()
        self.timer_at = at
        self.timer = self.loop.call_later(
            min(LOOK_AGAIN_S, max(0.0, (at - wall_ns()) / SECOND)), self.due
        )
        return 0

    def due(self) -> None:
        """Rings what is due."""
        self.timer = None
        self.engine.within_turn(self.ring_due)
        self._arm()

    def ring_due(self) -> None:
        """See `due`."""
        cdef Alarmed who
        cdef int64_t now = wall_ns()
        cdef int64_t at
        cdef int left = RING_AT_ONCE
        while self.heap and left and self.heap[0][0] <= now:
            at, _, who = heapq.heappop(self.heap)
            if who.alarm_at != at:
                continue  # it was set anew
            left -= 1
            who.alarm_at = 0
            try:
                who.ring(now)
            except Exception as error:
                self.on_error(error)

    def stop(self) -> None:
        """Rings no more."""
        self.stopped = True
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.heap.clear()
