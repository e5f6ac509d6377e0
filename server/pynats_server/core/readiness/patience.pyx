"""See patience.pxd."""
from pynats_server.core.limits cimport (
    WATCH_AGAIN_MAX, WATCH_CREDIT, WATCH_FAR_NS, WATCH_LOSS, WATCH_NEAR_NS, WATCH_NEED, WATCH_NS,
    WATCH_TERM, WATCH_TRIAL,
)

AWAKE_NS = WATCH_NS  # where staying awake is permitted


cdef class Patience:
    def __init__(self, most_ns: int = 0):
        self.most_ns = most_ns
        self.need = WATCH_NEED

    cpdef void slept(self, int64_t gap_ns) noexcept:
        if self.awake:  # it came after a watch in vain
            self.note(min(gap_ns, 2 * WATCH_FAR_NS))
            return
        if not WATCH_NEAR_NS <= gap_ns <= WATCH_FAR_NS:
            self.score = max(0, self.score - WATCH_LOSS)
            return
        self.score += 1
        self.asleep += 1
        self.asleep_ns += gap_ns
        if self.score >= self.need and self.most_ns:
            self.awake = True
            self.credit = WATCH_CREDIT
            self.seen, self.awake_ns = 0, 0

    cpdef void watched(self, int64_t gap_ns) noexcept:
        if self.awake:
            self.credit = min(WATCH_CREDIT, self.credit + 1)
            self.note(gap_ns)

    cdef void note(self, int64_t gap_ns) noexcept:
        self.seen += 1
        self.awake_ns += gap_ns
        if self.seen == WATCH_TRIAL and self.is_no_faster():
            self.give_up(True)  # no faster than asleep
        elif self.seen == WATCH_TERM:
            self.give_up(False)

    cpdef void in_vain(self) noexcept:
        if not self.awake:
            return
        self.credit -= WATCH_LOSS
        if self.credit <= 0:
            self.give_up(self.seen < WATCH_TRIAL * WATCH_TRIAL)

    cdef bint is_no_faster(self) noexcept:
        """Whether a gap has not become shorter by a quarter."""
        return self.awake_ns * self.asleep * 4 > self.asleep_ns * self.seen * 3

    cdef void give_up(self, bint failed) noexcept:
        self.awake = False
        self.score = self.asleep = 0
        self.asleep_ns = 0
        self.need = min(self.need * 4, WATCH_AGAIN_MAX) if failed else WATCH_NEED
