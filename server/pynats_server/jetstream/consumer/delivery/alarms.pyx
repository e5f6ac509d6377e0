"""See alarms.pxd."""
from libc.stdint cimport INT64_MAX

from pynats_server.jetstream.clock cimport steady_ns, wall_ns

import heapq

cdef enum:
    RING_AT_ONCE = 64  # consumers in one go; the rest in the loop's next pass
    VOID_MOST = 256  # void entries that are not worth looking for

TIME_MAX_NS = INT64_MAX

cdef double SECOND = 1e9
cdef double LOOK_AGAIN_S = 1.0  # the clock may be set
cdef double LONGEST_S = 86400.0  # a loop takes no time that is too far away


cdef class Alarmed:
    cdef int ring(self, int64_t now) except -1:
        raise NotImplementedError


cdef class Alarms:
    """Of one server. `on_error(exception)` is told of bugs met while ringing. `by_wall`: at times
    of the wall clock, however that is set."""

    def __init__(self, loop, Engine engine not None, on_error, bint by_wall=False):
        self.loop = loop
        self.engine = engine
        self.on_error = on_error
        self.by_wall = by_wall
        self.heap = []

    cdef int64_t read_clock(self) noexcept:
        return wall_ns() if self.by_wall else steady_ns()

    cdef int want(self, Alarmed who, int64_t at) except -1:
        if at <= 0 or (who.alarm_at and who.alarm_at <= at):
            return 0
        if who.alarm_at:
            self._avoid()
        who.alarm_at = at
        self.count += 1
        heapq.heappush(self.heap, (at, self.count, who))
        return self._arm()

    cdef int drop(self, Alarmed who) except -1:
        if who.alarm_at:
            who.alarm_at = 0
            self._avoid()
        return 0

    cdef int _avoid(self) except -1:
        """One more entry is void; when most of them are, they are taken out."""
        cdef Alarmed who
        self.void += 1
        if self.void > VOID_MOST and self.void * 2 > len(self.heap):
            kept = []
            for entry in self.heap:
                who = entry[2]
                if who.alarm_at == entry[0]:
                    kept.append(entry)
            heapq.heapify(kept)
            self.heap, self.void = kept, 0
        return 0

    @property
    def waiting(self) -> int:
        """How many entries there are, those included whose time is another one by now."""
        return len(self.heap)

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
            min(
                LOOK_AGAIN_S if self.by_wall else LONGEST_S,
                max(0.0, (at - self.read_clock()) / SECOND),
            ),
            self.due,
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
        cdef int64_t now = self.read_clock()
        cdef int64_t at
        cdef int left = RING_AT_ONCE
        while self.heap and left and self.heap[0][0] <= now:
            at, _, who = heapq.heappop(self.heap)
            if who.alarm_at != at:
                self.void -= 1
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
        self.void = 0


cdef class Appointment(Alarmed):
    def __init__(self, Alarms alarms not None, call):
        self.alarms = alarms
        self.call = call

    def at(self, int64_t at) -> None:
        """Calls then (ns), whatever was wanted before."""
        self.alarms.drop(self)
        self.alarms.want(self, at)

    def cancel(self) -> None:
        """Does not call."""
        self.alarms.drop(self)

    def end(self) -> None:
        """Does not call any more, and knows nobody."""
        self.alarms.drop(self)
        self.call = None

    cdef int ring(self, int64_t now) except -1:
        if self.call is not None:
            self.call()
        return 0
