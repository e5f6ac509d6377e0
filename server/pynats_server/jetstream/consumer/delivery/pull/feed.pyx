"""See feed.pxd."""
from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.interest.match cimport Match
from pynats_server.core.limits cimport CALL_STEPS
from pynats_server.core.senders.audience cimport HELD, current_match, deliver_everybody
from pynats_server.jetstream.clock cimport after, steady_ns
from pynats_server.jetstream.consumer.delivery.feed cimport GAVE, HALT, NOBODY
from pynats_server.jetstream.consumer.delivery.pull.line cimport Line, Pull
from pynats_server.jetstream.consumer.delivery.pull.priority cimport (
    OverflowLine, PinnedLine, PrioritizedLine,
)

from pynats_common.go.durations import format_duration_ns

from pynats_server.jetstream.consumer.delivery.pull.requests import BadPull, check_groups, read_pull
from pynats_server.jetstream.consumer.operations import Answered, Requested

cdef int64_t SWEEP_NS = 1_000_000_000  # between looks for dead requests in a full queue

cdef enum:
    SERVE_AT_ONCE = 2048  # steps, when a request comes
    TELL_AT_ONCE = 256  # requests that end, or get a heartbeat, in one go: about 0.5 ms
    WAITING_MOST = 16384  # requests, whatever a configuration allows: all are told when it ends
    SWEEP_MOST = 2048  # requests whose requesters are looked for at a time
    EMPTY_HEADERS = 12  # bytes of a header block without a line


cdef class PullFeed(Feed):
    """Of a pull consumer."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.line = Line()
        self.policy, self.groups = "", []

    def set_pull_limits(self, *, max_waiting: int, max_batch: int, max_expires_ns: int,
                        max_bytes: int) -> None:
        """Limits of requests; 0 = none."""
        self.max_waiting = min(max_waiting if max_waiting > 0 else WAITING_MOST, WAITING_MOST)
        self.max_batch = max(max_batch, 0)
        self.max_expires_ns = max(max_expires_ns, 0)
        self.max_bytes = max(max_bytes, 0)

    def set_groups(self, policy: str, groups: list, timeout_ns: int) -> None:
        """Priority groups, and how their members take turns; those who wait do so from now on."""
        cdef Line before = self.line
        cdef Pull pull
        self.groups = groups
        if policy == self.policy:
            if isinstance(before, PinnedLine):
                (<PinnedLine>before).set_timeout(timeout_ns)
            return
        self.policy, self.extra = policy, b""
        if policy == "overflow":
            self.line = OverflowLine()
        elif policy == "prioritized":
            self.line = PrioritizedLine()
        elif policy == "pinned_client":
            self.line = PinnedLine(timeout_ns)
        else:
            self.line = Line()
        for pull in before.pulls():
            before.drop(pull)
            self.line.add(pull)

    @property
    def pinned(self) -> tuple:
        """(pin, when it was given in ns) of the client that gets the messages; ("", 0) = none."""
        if isinstance(self.line, PinnedLine) and (<PinnedLine>self.line).pin:
            return (<PinnedLine>self.line).pin, (<PinnedLine>self.line).since_ns
        return "", 0

    def unpin(self) -> None:
        """Another client may have the messages."""
        self.line.unpin()
        self.wake()

    @property
    def num_waiting(self) -> int:
        """Requests that wait and whose requester is still there."""
        self.sweep()
        return self.line.count

    @property
    def waiting(self) -> list:
        """Where the messages of those go who wait."""
        cdef Pull pull
        return [pull.inbox for pull in self.line.pulls()]

    @property
    def in_use(self) -> bool:
        """Whether somebody waits."""
        return self.num_waiting > 0

    # -- requests -----------------------------------------------------------------------------

    def asked(self, bytes inbox not None, bytes body not None) -> None:
        """A request for messages, to be sent to `inbox`."""
        cdef int64_t now = steady_ns()
        cdef Pull pull
        if not inbox or self.stopped:
            return
        self.touched_ns = monotonic_ns()
        self.engine.routing.steps += CALL_STEPS // 4
        try:
            request = read_pull(body)
            self.check(request)
        except BadPull as error:
            self.say(inbox, str(error).encode())
            return
        pull = Pull(inbox, request, now)
        if not self.line.admits(self, pull):
            self.tell(pull, b"423 Nats-Pin-Id mismatch")
            return
        if request.expires < 0:
            self.tell_rest(pull, b"408 Request Timeout")
            return
        if self.is_crowded and now - self.swept_ns >= SWEEP_NS:
            self.swept_ns = now
            self.sweep()
        if pull.no_wait and self.is_in_vain(pull):
            return
        if self.is_crowded:
            if not pull.heartbeat_ns:
                self.tell(pull, b"409 Exceeded MaxWaiting")
            return
        if pull.no_wait and not pull.patient and self.paused:
            self.tell(pull, b"404 No Messages")
            return
        self.line.add(pull)
        if self.state.log is not None:
            self.state.log.record(Requested(pull.inbox))
        if pull.ends_ns:
            self.want_alarm(pull.ends_ns)
        if pull.beat_at:
            self.want_alarm(pull.beat_at)
        if self.line.weighs or self.serve(self.engine.routing.steps + SERVE_AT_ONCE):
            self.wake()

    @property
    def is_crowded(self) -> bool:
        """Whether no more requests may wait."""
        return <uint64_t>self.line.count >= self.max_waiting

    cdef bint is_in_vain(self, Pull pull) except -1:
        """Tells a request that does not wait when there is nothing, or nothing that is not for
        those who came before it."""
        cdef Pull other
        cdef uint64_t wanted = 0
        if self.deliverable() == 0:
            if not pull.patient:
                self.tell(pull, b"404 No Messages")
            return not pull.patient
        if self.line.count == 0:
            return False
        self.engine.routing.steps += <uint64_t>self.line.count
        self.sweep()
        for other in self.line.pulls():
            wanted += other.left
        if self.deliverable() < wanted:
            self.tell(pull, b"408 Requests Pending")
            return True
        return False

    def check(self, request) -> None:
        """Raises BadPull."""
        if self.max_batch and request.batch > <int64_t>self.max_batch:
            raise BadPull(f"409 Exceeded MaxRequestBatch of {self.max_batch}")
        if self.max_expires_ns and request.expires > self.max_expires_ns:
            raise BadPull(
                f"409 Exceeded MaxRequestExpires of {format_duration_ns(self.max_expires_ns)}"
            )
        if self.max_bytes and request.max_bytes > self.max_bytes:
            raise BadPull(f"409 Exceeded MaxRequestMaxBytes of {self.max_bytes}")
        if (
            self.groups or request.id or request.priority
            or request.min_pending or request.min_ack_pending
        ):
            check_groups(request, self.policy, self.groups)

    def sweep(self) -> None:
        """Forgets requests whose requester has gone; of very many, some each time."""
        cdef Pull pull
        pulls = self.line.pulls()
        if len(pulls) > SWEEP_MOST:
            self.sweep_at %= len(pulls)
            pulls = pulls[self.sweep_at:self.sweep_at + SWEEP_MOST]
            self.sweep_at += SWEEP_MOST
        for pull in pulls:
            if not self.has_interest(pull):
                self.drop(pull)

    def end_some(self, bytes status not None) -> bool:
        """Tells some of those who wait that there will be nothing; whether there are more."""
        cdef Pull pull
        for pull in self.line.pulls(TELL_AT_ONCE):
            self.drop(pull)
            self.tell(pull, status)
        return self.line.count > 0

    # -- statuses -----------------------------------------------------------------------------

    cdef int tell(self, Pull pull, bytes status) except -1:
        return self.say(pull.inbox, status)

    cdef int tell_rest(self, Pull pull, bytes status) except -1:
        """A status with what the request has not got."""
        return self.tell(
            pull,
            b"%s\r\nNats-Pending-Messages: %d\r\nNats-Pending-Bytes: %d" % (
                status, pull.left, max(pull.bytes_left, 0)
            ),
        )

    cdef int beat(self, Pull pull) except -1:
        return self.tell(
            pull,
            b"100 Idle Heartbeat\r\nNats-Last-Consumer: %d\r\nNats-Last-Stream: %d" % (
                self.state.consumer_seq, self.next_seq - 1
            ),
        )

    # -- serving ------------------------------------------------------------------------------

    cdef Match* audience(self, Pull pull) except NULL:
        return current_match(
            self.account.sublist, &pull.match, <const char*>pull.inbox, len(pull.inbox)
        )

    cdef bint has_interest(self, Pull pull) except -1:
        cdef Match* match = self.audience(pull)
        return match.n_plain != 0 or match.n_queues != 0

    cdef bint ready(self) except -1:
        cdef Pull pull
        while True:
            pull = self.line.first(self)
            if pull is None:
                return self._nobody()
            self.match = self.audience(pull)
            if self.match.n_plain or self.match.n_queues:
                self.pull = pull
                return True
            self.drop(pull)

    cdef bint _nobody(self) except -1:
        """It is nobody's turn; those that do not wait for theirs are told."""
        if self.line.unsure:
            self.line.unsure = False
            self.wake()
        elif self.line.hasty:
            self.dry()
        return False

    cdef Given give(self, Message* msg, size_t size) except *:
        cdef Pull pull = self.pull
        cdef int64_t taken
        if not self.line.serves(pull):
            self.drop(pull)
            self.tell_rest(pull, b"423 Nats-Wrong-Pin-Id")
            return NOBODY
        if self.extra:  # which was not asked for
            size -= len(self.extra)
            if <Py_ssize_t>msg.header_len == EMPTY_HEADERS + len(self.extra):
                size -= EMPTY_HEADERS
        if pull.sized and <int64_t>size > pull.bytes_left:
            self.drop(pull)
            self.tell_rest(pull, b"409 Message Size Exceeds MaxBytes")
            return NOBODY
        taken = deliver_everybody(self.match, self, msg, &self.engine.routing)
        if taken == HELD:
            return HALT
        if taken == 0:
            self.drop(pull)
            return NOBODY
        pull.left -= 1
        pull.fed = True
        pull.bytes_left -= size
        return GAVE

    cdef int gave(self) except -1:
        return self.served(self.pull)

    cdef int served(self, Pull pull) except -1:
        """It has got a message: it ends, or it is the next one's turn."""
        self.line.turn(self, pull)
        if pull.left == 0 or (pull.sized and pull.bytes_left <= 0):
            self.drop(pull)
            if pull.sized and pull.bytes_left > 0:
                self.tell_rest(pull, b"409 Batch Completed")
            return 0
        if pull.heartbeat_ns:
            pull.beat_at = after(self.now, pull.heartbeat_ns)
        return 0

    cdef int drop(self, Pull pull) except -1:
        self.touched_ns = monotonic_ns()  # it was in use until now
        if self.state.log is not None and pull.queue is not None:
            self.state.log.record(Answered(pull.inbox))
        return self.line.drop(pull)

    cdef int dry(self) except -1:
        cdef Pull pull
        if self.line.hasty == 0:
            return 0
        for pull in [
            pull for pull in self.line.pulls() if pull.no_wait and (pull.fed or not pull.patient)
        ]:
            self.drop(pull)
            self.tell(pull, b"404 No Messages")
        return 0

    cdef int64_t timed(self, int64_t now) except -1:
        cdef Pull pull
        cdef int64_t soonest = self.line.timed(self, now)
        cdef int left = TELL_AT_ONCE
        while True:
            pull = self.line.clock.first()
            if pull is None:
                return soonest
            if pull.due > now or left == 0:
                return min(soonest, pull.due) if soonest else pull.due
            left -= 1
            self.engine.routing.steps += 1
            if pull.ends_ns and pull.ends_ns <= now:
                self.drop(pull)
                self.tell_rest(pull, b"408 Request Timeout")
                continue
            if pull.beat_at and pull.beat_at <= now:
                if pull.no_wait and pull.fed:  # what is there waits for acknowledgements
                    self.drop(pull)
                    self.tell(pull, b"404 No Messages")
                    continue
                pull.beat_at = after(now, pull.heartbeat_ns)
                self.beat(pull)
            self.line.clock.again(pull)
