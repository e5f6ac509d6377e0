"""See priority.pxd."""
from pynats_server.jetstream.clock cimport after, steady_ns

cdef enum:
    LOOKS = 512  # requests that are looked at before others have their turn
    LOOKS_SHIFT = 4  # of them for one step, as a shift
    URGENCIES = 10
    LEAST = URGENCIES  # of a request that says nothing of groups

cdef bint has_nothing(Feed feed) except -1:
    """Whether there is nothing to give to anybody."""
    return not feed.has_again() and (feed.is_at_limit() or feed.pending() == 0)


cdef bytes PIN_HEADER = b"Nats-Pin-Id: %s\r\n"


cdef class OverflowLine(Line):
    cdef Pull first(self, Feed feed):
        cdef Pull pull
        cdef uint64_t pending, unacked = feed.state.open
        cdef int looks = LOOKS
        if self.count == 0 or has_nothing(feed):
            return self.queue.head  # it stays everybody's turn
        pending = feed.pending() + feed.has_again()
        if pending != self.pending or unacked != self.unacked:
            self.passed, self.pending, self.unacked = 0, pending, unacked
        while self.passed < self.count:
            pull = self.queue.head
            if (
                (pull.min_pending == 0 and pull.min_ack_pending == 0)
                or 0 < pull.min_pending <= pending or 0 < pull.min_ack_pending <= unacked
            ):
                return pull
            self.passed += 1
            looks -= 1
            if self.queue.count > 1:
                self.queue.take(pull)
                self.queue.push(pull)
            if looks == 0:
                self.unsure = self.passed < self.count
                break
        feed.engine.routing.steps += (LOOKS - looks) >> LOOKS_SHIFT
        if not self.unsure:
            feed.interest.rouse(feed)  # the next message may be one too many
        return None

    cdef int add(self, Pull pull) except -1:
        self.passed = 0
        return Line.add(self, pull)

    cdef int drop(self, Pull pull) except -1:
        self.passed = 0
        return Line.drop(self, pull)

    cdef int turn(self, Feed feed, Pull pull) except -1:
        self.passed = 0
        return Line.turn(self, feed, pull)


cdef class PrioritizedLine(Line):
    def __init__(self):
        super().__init__()
        self.queues += [Queue() for _ in range(URGENCIES)]
        self.weighs = True

    cdef Queue place(self, Pull pull):
        return self.queues[LEAST if pull.bare else min(max(pull.priority, 0), LEAST)]

    cdef Pull first(self, Feed feed):
        cdef Queue queue
        if self.count:
            for queue in self.queues:
                if queue.count:
                    return queue.head
        return None


cdef class PinnedLine(Line):
    """`timeout_ns`: how long somebody stays pinned without asking."""

    def __init__(self, int64_t timeout_ns):
        super().__init__()
        self.bound, self.lapsed = Queue(), Queue()
        self.queues += [self.bound, self.lapsed]
        self.pin = self.next_pin = ""
        self.timeout_ns = timeout_ns

    def set_timeout(self, int64_t timeout_ns) -> None:
        """From the next request of who is pinned on."""
        self.timeout_ns = timeout_ns

    cdef Queue place(self, Pull pull):
        if not pull.pin:
            return self.queue
        return self.bound if pull.pin == self.pin else self.lapsed

    cdef bint admits(self, Feed feed, Pull pull) except -1:
        if not self.pin or not pull.pin:
            return True
        if pull.pin != self.pin:
            return False
        self.ends_ns = after(steady_ns(), self.timeout_ns)
        feed.want_alarm(self.ends_ns)
        return True

    cdef Pull first(self, Feed feed):
        if self.lapsed.count:
            return self.lapsed.head
        if self.pin:
            feed.extra = self.header
            if self.bound.count == 0 and has_nothing(feed):
                return self.queue.head
            return self.bound.head
        pull = self.queue.head
        if pull is None:
            return None
        if (<Pull>pull).bare or not (<Pull>pull).group:
            feed.extra = PIN_HEADER % b""
        else:
            if not self.next_pin:
                self.next_pin = feed.host.new_pin()
                self.next_header = PIN_HEADER % self.next_pin.encode()
            feed.extra = self.next_header
        return pull

    cdef bint serves(self, Pull pull) except -1:
        return pull.queue is not self.lapsed

    cdef int turn(self, Feed feed, Pull pull) except -1:
        if self.pin or pull.bare or not pull.group:
            return Line.turn(self, feed, pull)
        self.pin, self.header = self.next_pin, self.next_header
        self.next_pin = ""
        self.since_ns = steady_ns()
        self.ends_ns = after(self.since_ns, self.timeout_ns)
        feed.want_alarm(self.ends_ns)
        pull.pin = self.pin
        if pull.queue is not None:
            pull.queue.take(pull)
            self.bound.push(pull)
        feed.host.pinned(pull.group, self.pin)
        return 0

    cdef int64_t timed(self, Feed feed, int64_t now) except -1:
        if not self.pin:
            return 0
        if now < self.ends_ns:
            return self.ends_ns
        self.unpin()
        feed.host.unpinned()
        return 0

    cdef int unpin(self) except -1:
        cdef Queue lapsed = self.lapsed
        cdef Pull pull
        self.pin = ""
        if lapsed.count == 0:
            self.lapsed, self.bound = self.bound, lapsed
            return 0
        while self.bound.head is not None:
            pull = self.bound.head
            self.bound.take(pull)
            lapsed.push(pull)
        return 0
