"""See line.pxd."""
from pynats_server.jetstream.clock cimport after

cdef int64_t SHORTEST_BEAT = 10_000_000  # ns between heartbeats, whatever is asked for


cdef class Pull:
    def __init__(self, bytes inbox not None, request, int64_t now):
        self.inbox = inbox
        self.left = request.batch if request.batch > 0 else 1
        self.sized = request.max_bytes > 0
        self.bytes_left = request.max_bytes
        self.ends_ns = after(now, request.expires) if request.expires > 0 else 0
        self.no_wait = request.no_wait
        self.patient = request.expires != 0
        if request.idle_heartbeat > 0:
            self.heartbeat_ns = max(<int64_t>request.idle_heartbeat, SHORTEST_BEAT)
            self.beat_at = after(now, self.heartbeat_ns)
        self.bare = request.bare
        self.group = request.group
        self.pin = request.id
        self.min_pending = max(request.min_pending, 0)
        self.min_ack_pending = max(request.min_ack_pending, 0)
        self.priority = request.priority


cdef class Queue:
    cdef int push(self, Pull pull) except -1:
        pull.queue = self
        pull.before = self.tail
        if self.tail is None:
            self.head = pull
        else:
            self.tail.after = pull
        self.tail = pull
        self.count += 1
        return 0

    cdef int take(self, Pull pull) except -1:
        cdef Pull before = pull.before, after = pull.after
        if before is None:
            self.head = after
        else:
            before.after = after
        if after is None:
            self.tail = before
        else:
            after.before = before
        pull.before = pull.after = None
        pull.queue = None
        self.count -= 1
        return 0


cdef class Line:
    """Of a consumer without priority groups: each in turn."""

    def __init__(self):
        self.queue = Queue()
        self.queues = [self.queue]

    cdef int add(self, Pull pull) except -1:
        self.count += 1
        self.hasty += pull.no_wait
        return self.place(pull).push(pull)

    cdef int drop(self, Pull pull) except -1:
        if pull.queue is not None:
            self.count -= 1
            self.hasty -= pull.no_wait
            pull.queue.take(pull)
        return 0

    cdef list pulls(self):
        cdef Queue queue
        cdef Pull pull
        found = []
        for queue in self.queues:
            pull = queue.head
            while pull is not None:
                found.append(pull)
                pull = pull.after
        return found

    cdef Queue place(self, Pull pull):
        return self.queue

    cdef Pull first(self, Feed feed):
        return self.queue.head

    cdef int turn(self, Feed feed, Pull pull) except -1:
        cdef Queue queue = pull.queue
        if queue is not None and queue.count > 1:
            queue.take(pull)
            queue.push(pull)
        return 0

    cdef bint admits(self, Feed feed, Pull pull) except -1:
        return True

    cdef bint serves(self, Pull pull) except -1:
        return True

    cdef int64_t timed(self, Feed feed, int64_t now) except -1:
        return 0

    cdef int unpin(self) except -1:
        return 0
