"""See pulls.pxd."""
from pynats_server.core.engine cimport monotonic_ns
from pynats_server.core.interest.match cimport Match
from pynats_server.core.limits cimport CALL_STEPS
from pynats_server.core.senders.audience cimport HELD, deliver_everybody
from pynats_server.jetstream.consumer.delivery.alarms cimport wall_ns
from pynats_server.jetstream.consumer.delivery.feed cimport GAVE, HALT, NOBODY

from pynats_common.go.durations import format_duration_ns

from pynats_server.jetstream.consumer.delivery.requests import BadPull, read_pull

cdef int64_t SWEEP_NS = 1_000_000_000  # between looks for dead requests in a full queue

cdef enum:
    SERVE_AT_ONCE = 2048  # steps, when a request comes


cdef class Pull:
    def __init__(self, bytes inbox not None, request, int64_t now):
        self.inbox = inbox
        self.left = request.batch if request.batch > 0 else 1
        self.sized = request.max_bytes > 0
        self.bytes_left = request.max_bytes
        self.ends_ns = now + request.expires if request.expires else 0
        self.no_wait = request.no_wait
        self.patient = request.expires != 0
        self.heartbeat_ns = max(request.idle_heartbeat, 0)
        self.beat_at = now + self.heartbeat_ns if self.heartbeat_ns else 0
        self.group = request.group
        self.pin = request.id
        self.min_pending = max(request.min_pending, 0)
        self.min_ack_pending = max(request.min_ack_pending, 0)
        self.priority = request.priority


cdef class PullFeed(Feed):
    """Of a pull consumer."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.waiting = []

    def set_pull_limits(self, *, max_waiting: int, max_batch: int, max_expires_ns: int,
                        max_bytes: int) -> None:
        """Limits of requests; 0 = none."""
        self.max_waiting = max(max_waiting, 0)
        self.max_batch = max(max_batch, 0)
        self.max_expires_ns = max(max_expires_ns, 0)
        self.max_bytes = max(max_bytes, 0)

    @property
    def num_waiting(self) -> int:
        """Requests that wait and whose requester is still there."""
        self.sweep()
        return len(self.waiting)

    @property
    def in_use(self) -> bool:
        """Whether somebody waits."""
        return self.num_waiting > 0

    # -- requests -----------------------------------------------------------------------------

    def asked(self, bytes inbox not None, bytes body not None) -> None:
        """A request for messages, to be sent to `inbox`."""
        cdef int64_t now = wall_ns()
        cdef Pull pull
        if not inbox or self.stopped:
            return
        self.touched_ns = monotonic_ns()
        self.engine.routing.steps += CALL_STEPS // 4
        try:
            request = read_pull(body)
            self.check(request)
        except BadPull as error:
            self.status(inbox, str(error))
            return
        pull = Pull(inbox, request, now)
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
        self.waiting.append(pull)
        if pull.ends_ns:
            self.want_alarm(pull.ends_ns)
        if pull.beat_at:
            self.want_alarm(pull.beat_at)
        if self.serve(self.engine.routing.steps + SERVE_AT_ONCE):
            self.wake()

    @property
    def is_crowded(self) -> bool:
        """Whether no more requests may wait."""
        return self.max_waiting and <uint64_t>len(self.waiting) >= self.max_waiting

    cdef bint is_in_vain(self, Pull pull) except -1:
        """Tells a request that does not wait when there is nothing, or nothing that is not for
        those who came before it."""
        cdef Pull other
        cdef uint64_t wanted = 0
        if self.deliverable(1) == 0:
            if not pull.patient:
                self.tell(pull, b"404 No Messages")
            return not pull.patient
        if not self.waiting:
            return False
        self.engine.routing.steps += <uint64_t>len(self.waiting)
        self.sweep()
        for other in self.waiting:
            wanted += other.left
        if self.deliverable(wanted) < wanted:
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

    def sweep(self) -> None:
        """Forgets requests whose requester has gone."""
        cdef Pull pull
        if not self.waiting:
            return
        self.waiting = [pull for pull in self.waiting if self.has_interest(pull)]

    def end_requests(self, bytes status not None) -> None:
        """Tells all who wait that there will be nothing."""
        cdef Pull pull
        waiting, self.waiting = self.waiting, []
        for pull in waiting:
            self.tell(pull, status)

    # -- statuses -----------------------------------------------------------------------------

    def status(self, bytes inbox not None, str text not None) -> None:
        """Sends a status without more headers."""
        self.account.publish(
            self.engine, inbox, b"", headers=b"NATS/1.0 %s\r\n\r\n" % text.encode()
        )

    cdef int tell(self, Pull pull, bytes status) except -1:
        self.account.publish(
            self.engine, pull.inbox, b"", headers=b"NATS/1.0 " + status + b"\r\n\r\n"
        )
        return 0

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
        return self.account.sublist.match(<const char*>pull.inbox, len(pull.inbox))

    cdef bint has_interest(self, Pull pull) except -1:
        cdef Match* match = self.audience(pull)
        return match.n_plain != 0 or match.n_queues != 0

    cdef Pull choose(self):
        return self.waiting[0] if self.waiting else None

    cdef bint ready(self) except -1:
        cdef Pull pull
        while True:
            pull = self.choose()
            if pull is None:
                return False
            self.match = self.audience(pull)
            if self.match.n_plain or self.match.n_queues:
                self.pull = pull
                return True
            self.drop(pull)

    cdef Given give(self, Message* msg, size_t size) except *:
        cdef Pull pull = self.pull
        cdef int64_t taken
        if pull.sized and <int64_t>size > pull.bytes_left:
            self.drop(pull)
            self.tell_rest(pull, b"409 Message Size Exceeds MaxBytes")
            return NOBODY
        if self.match.n_plain + self.match.n_queues > 1:
            self.detach(msg)
        taken = deliver_everybody(self.match, self, msg, &self.engine.routing)
        if taken == HELD:
            return HALT
        if taken == 0:
            self.drop(pull)
            return NOBODY
        pull.left -= 1
        pull.fed = True
        pull.bytes_left -= size
        self.served(pull)
        return GAVE

    cdef int served(self, Pull pull) except -1:
        """It has got a message: it ends, or it is the next one's turn."""
        if pull.left == 0 or (pull.sized and pull.bytes_left <= 0):
            self.drop(pull)
            if pull.sized and pull.bytes_left > 0:
                self.tell_rest(pull, b"409 Batch Completed")
            return 0
        if pull.heartbeat_ns:
            pull.beat_at = wall_ns() + pull.heartbeat_ns
        if len(self.waiting) > 1 and self.waiting[0] is pull:
            self.waiting.append(self.waiting.pop(0))
        return 0

    cdef int drop(self, Pull pull) except -1:
        self.touched_ns = monotonic_ns()  # it was in use until now
        if self.waiting and self.waiting[0] is pull:
            self.waiting.pop(0)
        elif pull in self.waiting:
            self.waiting.remove(pull)
        return 0

    cdef int dry(self) except -1:
        cdef Pull pull
        for pull in [
            pull for pull in self.waiting if pull.no_wait and (pull.fed or not pull.patient)
        ]:
            self.drop(pull)
            self.tell(pull, b"404 No Messages")
        return 0

    cdef int64_t timed(self, int64_t now) except -1:
        cdef Pull pull
        cdef int64_t soonest = 0
        for pull in self.waiting[:]:
            if pull.ends_ns and pull.ends_ns <= now:
                self.drop(pull)
                self.tell_rest(pull, b"408 Request Timeout")
                continue
            if pull.beat_at and pull.beat_at <= now:
                pull.beat_at = now + pull.heartbeat_ns
                self.beat(pull)
            if pull.ends_ns and (soonest == 0 or pull.ends_ns < soonest):
                soonest = pull.ends_ns
            if pull.beat_at and (soonest == 0 or pull.beat_at < soonest):
                soonest = pull.beat_at
        return soonest
