"""See line.pxd."""
from pynats_server.core.senders.audience cimport forget_match
from pynats_server.jetstream.clock cimport after

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

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
        self.place = -1

    cdef int64_t soonest(self) noexcept:
        if self.beat_at and (self.ends_ns == 0 or self.beat_at < self.ends_ns):
            return self.beat_at
        return self.ends_ns

    def __dealloc__(self):
        forget_match(&self.match)


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


cdef inline bint is_before(Pull one, Pull other) noexcept:
    return one.due < other.due or (one.due == other.due and one.number < other.number)


cdef class Clock:
    def __init__(self):
        self.heap = []

    cdef int add(self, Pull pull) except -1:
        self.count += 1
        pull.number = self.count
        pull.due = pull.soonest()
        if pull.due:
            pull.place = len(self.heap)
            self.heap.append(pull)
            self.rise(pull.place)
        return 0

    cdef int drop(self, Pull pull) except -1:
        cdef Py_ssize_t at = pull.place
        cdef Pull last
        if at < 0:
            return 0
        pull.place = -1
        last = self.heap.pop()
        if last is not pull:
            self.heap[at] = last
            last.place = at
            self.rise(at)
            self.sink(last.place)
        return 0

    cdef Pull first(self):
        return self.heap[0] if self.heap else None

    cdef int again(self, Pull pull) except -1:
        pull.due = pull.soonest()
        return self.sink(pull.place)

    cdef int rise(self, Py_ssize_t at) except -1:
        cdef Pull pull = self.heap[at], above
        while at > 0:
            above = self.heap[(at - 1) >> 1]
            if not is_before(pull, above):
                break
            self.heap[at] = above
            above.place = at
            at = (at - 1) >> 1
        self.heap[at] = pull
        pull.place = at
        return 0

    cdef int sink(self, Py_ssize_t at) except -1:
        cdef Pull pull = self.heap[at], below, other
        cdef Py_ssize_t n = len(self.heap), child = 2 * at + 1
        while child < n:
            below = self.heap[child]
            if child + 1 < n:
                other = self.heap[child + 1]
                if is_before(other, below):
                    below = other
            if not is_before(below, pull):
                break
            child = below.place
            self.heap[at] = below
            below.place = at
            at = child
            child = 2 * at + 1
        self.heap[at] = pull
        pull.place = at
        return 0


cdef class Line:
    """Of a consumer without priority groups: each in turn."""

    def __init__(self):
        self.queue = Queue()
        self.queues = [self.queue]
        self.clock = Clock()

    cdef int add(self, Pull pull) except -1:
        self.count += 1
        self.hasty += pull.no_wait
        self.clock.add(pull)
        return self.place(pull).push(pull)

    cdef int drop(self, Pull pull) except -1:
        if pull.queue is not None:
            self.count -= 1
            self.hasty -= pull.no_wait
            self.clock.drop(pull)
            pull.queue.take(pull)
            forget_match(&pull.match)
        return 0

    cdef list pulls(self, Py_ssize_t most=PY_SSIZE_T_MAX):
        cdef Queue queue
        cdef Pull pull
        found = []
        for queue in self.queues:
            pull = queue.head
            while pull is not None:
                if len(found) >= most:
                    return found
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
