"""Flow control of push consumers: how many bytes may be on their way to the receiver. When half of
them are, it is asked for a sign of life; each answer doubles the window, up to a limit.

See "flow control" in https://docs.nats.io/nats-concepts/jetstream/consumers.
"""

cdef enum:
    FIRST = 2 * 1024 * 1024
    MOST = 32 * 1024 * 1024


cdef class Window:
    def __init__(self):
        self.size = FIRST

    cdef bint is_full(self) noexcept:
        return self.sent > self.size

    cdef bint add(self, uint64_t size) noexcept:
        self.sent += size
        if self.request is None:
            return self.sent > self.size // 2
        if self.sent - self.covered >= self.size:
            self.covered += size
        return False

    cdef int ask(self, bytes request) except -1:
        self.request = request
        self.covered = self.sent
        return 0

    cdef int answered(self) except -1:
        self.size = min(self.size * 2, <uint64_t>MOST)
        self.sent -= min(self.sent, self.covered)
        self.request = None
        self.covered = 0
        return 0

    def forget(self) -> None:
        """Nobody listens any more: what was under way is nobody's."""
        self.sent = self.covered = 0
        self.request = None
