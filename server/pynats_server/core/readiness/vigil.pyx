"""See vigil.pxd."""

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.epoll cimport epoll_event, epoll_wait
from pynats_server.core.limits cimport WATCH_MESSAGES, WATCH_POLLS, WATCH_STEPS


cdef class Vigil:
    def __init__(self, loop, int epoll_fd, turn):
        self.loop = loop
        self.epoll_fd = epoll_fd
        self.turn = turn
        self.patience = Patience()

    cdef void woke(self, int64_t now) noexcept:
        if not self.idle_since_ns:
            return
        if self.awake_until_ns:
            self.patience.watched(now - self.idle_since_ns)
        else:
            self.patience.slept(now - self.idle_since_ns)
        self.idle_since_ns = self.awake_until_ns = 0

    cdef int rest(self, uint64_t steps, uint64_t messages) except -1:
        if not self.patience.most_ns or steps == 0:
            return 0
        self.idle_since_ns = self.awake_until_ns = 0
        if steps > WATCH_STEPS or messages > WATCH_MESSAGES or self.expected:
            return 0
        self.idle_since_ns = monotonic_ns()
        if self.patience.awake:
            self.awake_until_ns = self.idle_since_ns + self.patience.most_ns
            if not self.scheduled:
                self.scheduled = True
                self.loop.call_soon(self._watch)
        return 0

    def _watch(self) -> None:
        cdef epoll_event event
        cdef int i
        self.scheduled = False
        if not self.awake_until_ns:
            return
        for i in range(WATCH_POLLS):
            self.polls += 1
            if epoll_wait(self.epoll_fd, &event, 1, 0) > 0:
                self.turn()
                return
        if monotonic_ns() < self.awake_until_ns:
            self.scheduled = True
            self.loop.call_soon(self._watch)
            return
        self.awake_until_ns = 0
        self.patience.in_vain()

    def close(self) -> None:
        """Polls no more."""
        self.awake_until_ns = 0
        self.patience.most_ns = 0
        self.turn = None
