"""See engine.pxd."""
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport errno
from libc.stdint cimport UINT64_MAX
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memset
from posix.unistd cimport close as c_close

import os
from collections import deque

from pynats_server.core.clock cimport monotonic_ns
from pynats_server.core.ledger cimport BUFFERS, count_gone, count_made
from pynats_server.core.limits cimport (
    BACKLOG_HOLD_MS, CALL_STEPS, CHORE_STEPS, CLOSE_BATCH, CLOSE_STEPS, OUT_BUFFER,
    OUT_POOL, POLL_EVENTS, POLL_ROUNDS, READ_CHUNK, SETTLE_STEPS, SLICE_STEPS_MIN, STALL_MAX_MS,
    STALL_MIN_MS, TICK_BATCH, TURN_STEPS,
)
from pynats_server.core.memory.chunks cimport chunk_new, chunk_release
from pynats_server.core.memory.pointerqueue cimport PointerQueue, queue_free, queue_length, queue_put, queue_take

from pynats_server.core.epoll cimport (
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, epoll_create1, epoll_ctl, epoll_event, epoll_wait,
)

from pynats_server.core.readiness.pacer import Pacer
from pynats_server.core.reasons import CloseReason

cdef uint64_t NEVER = UINT64_MAX
cdef int REASON_PROTOCOL = CloseReason.PROTOCOL_VIOLATION


cdef class Turner(Sink):
    cdef int go_on(self) except -1:
        raise NotImplementedError

    cdef int let_go(self, Peer receiver) except -1:
        raise NotImplementedError


cdef class Pollable(Turner):
    cdef int on_ready(self, uint32_t events) except -1:
        raise NotImplementedError


cdef class Peer(Pollable):
    cdef int flush(self) except -1:
        raise NotImplementedError

    cdef int on_tick(self) except -1:
        raise NotImplementedError

    cdef int close_with(self, int reason) except -1:
        raise NotImplementedError

    cdef int finish_close(self) except -1:
        raise NotImplementedError

    cdef int let_go(self, Peer receiver) except -1:
        if self.paused & PAUSE_STALL:
            self.engine._resume_producer(self)
        return 0

    cdef int pause(self, uint32_t why) except -1:
        raise NotImplementedError

    cdef int resume(self, uint32_t why) except -1:
        raise NotImplementedError


cdef class Chore:
    cdef bint work(self, Engine engine, uint64_t until) except -1:
        raise NotImplementedError


cdef class Engine:
    """Owner of all sockets of one server.

    `handler` receives: on_closed(connection), on_slow_consumer(connection, reason),
    on_internal_error(connection, exception), on_secured(connection), on_tls_failed(connection, text).
    """

    def __init__(self, loop, handler):
        self.loop = loop
        self.handler = handler
        self.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
        if self.epoll_fd < 0:
            raise OSError(errno, os.strerror(errno))
        self.chunk = chunk_new(READ_CHUNK)
        self.pool = <char**>calloc(OUT_POOL, sizeof(char*))
        if self.pool == NULL:
            raise MemoryError()
        self.closing = []
        self.unfinished = []
        self.chores = deque()
        self.ticking = []
        self.turn_work = []
        self.stalled = []
        self.connections = {}
        self.routing.random = int.from_bytes(os.urandom(8), "little") | 1
        self.max_pending = 64 << 20
        self.write_deadline_ns = 10_000_000_000
        self.stall_producers = True
        self.tick_interval_s = 0.25
        self.now = monotonic_ns()
        self.vigil = Vigil(loop, self.epoll_fd, self.turn)
        self.pacer = Pacer(loop)
        loop.add_reader(self.epoll_fd, self.turn)
        self.tick_timer = loop.call_later(self.tick_interval_s, self.tick)

    @property
    def steps(self) -> int:
        """Work done so far, counted as `limits` says."""
        return self.routing.steps

    def charge(self, int calls) -> None:
        """Counts what Python code does for whoever is being served, as so many calls (`CALL_STEPS`)."""
        self.routing.steps += calls * CALL_STEPS

    @property
    def busy(self) -> bool:
        """Whether the next turn has something to do already."""
        return self.turn_scheduled

    def close(self) -> None:
        """Closes what is left and gives the descriptor back. Idempotent."""
        if self.epoll_fd < 0:
            return
        if self.tick_timer is not None:
            self.tick_timer.cancel()
            self.tick_timer = None
        if self.stall_timer is not None:
            self.stall_timer.cancel()
            self.stall_timer = None
        self.pacer.close()
        if self.workroom is not None:
            self.workroom.close()
        for connection in list(self.connections.values()):
            (<Peer>connection).close_with(<int>CloseReason.SERVER_SHUTDOWN)
        self._finish_closing(NEVER)
        self._flush(&self.dirty, NEVER)
        self._flush(&self.bulk, NEVER)
        for chore in self.chores:
            (<Chore>chore).work(self, NEVER)
        self.chores.clear()
        self.loop.remove_reader(self.epoll_fd)
        self.vigil.close()
        c_close(self.epoll_fd)
        self.epoll_fd = -1

    def __dealloc__(self):
        cdef uint32_t i
        cdef int fd
        if self.epoll_fd > 0:
            c_close(self.epoll_fd)
        if self.chunk != NULL:
            chunk_release(self.chunk)
        for i in range(self.pool_length):
            free(self.pool[i])
        free(self.pool)
        queue_free(&self.dirty)
        queue_free(&self.bulk)
        for fd in range(self.watched_size):
            if self.watched[fd] != NULL:
                Py_DECREF(<object>self.watched[fd])
        free(self.watched)

    # --- readiness ---

    cdef int watch(self, Pollable item, uint32_t events) except -1:
        cdef epoll_event event
        cdef int size
        cdef void** grown
        if item.fd >= self.watched_size:
            size = max(1024, item.fd * 2)
            grown = <void**>realloc(self.watched, size * sizeof(void*))
            if grown == NULL:
                raise MemoryError()
            memset(grown + self.watched_size, 0, (size - self.watched_size) * sizeof(void*))
            self.watched = grown
            self.watched_size = size
        event.events = events
        event.data.fd = item.fd
        if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, item.fd, &event) != 0:
            raise OSError(errno, os.strerror(errno))
        Py_INCREF(item)  # owned by the table until unwatch
        self.watched[item.fd] = <void*>item
        return 0

    cdef int unwatch(self, Pollable item) except -1:
        if item.fd >= self.watched_size or self.watched[item.fd] != <void*>item:
            return 0
        epoll_ctl(self.epoll_fd, EPOLL_CTL_DEL, item.fd, NULL)
        self.watched[item.fd] = NULL
        Py_DECREF(item)
        return 0

    def turn(self) -> None:
        """Serves every ready socket; the loop calls this when there is one."""
        cdef epoll_event events[POLL_EVENTS]
        cdef int n, i, rounds, fd
        cdef Pollable item
        cdef uint64_t begun = self.routing.steps
        cdef uint64_t until = begun + TURN_STEPS
        cdef uint64_t moved = self.totals.in_msgs + self.totals.out_msgs
        self.in_turn = True
        try:
            for rounds in range(POLL_ROUNDS):
                n = max(0, epoll_wait(self.epoll_fd, events, POLL_EVENTS, 0))
                if n == 0 and not self.unfinished and not self.closing and not queue_length(&self.bulk):
                    break
                self.now = monotonic_ns()
                if n:
                    self.vigil.woke(self.now)
                self._serve(n)
                for i in range(n):
                    fd = events[i].data.fd
                    if fd >= self.watched_size or self.watched[fd] == NULL:
                        continue  # closed earlier in this turn
                    item = <Pollable>self.watched[fd]
                    self.slice_end = self.routing.steps + self.slice_steps
                    try:
                        item.on_ready(events[i].events)
                    except Exception as error:
                        self._contain(item, error)
                self._settle()
                if self.routing.steps >= until:
                    break
            self._finish_work()
        finally:
            self.in_turn = False
        self._come_again()
        if not self.turn_scheduled:
            moved = self.totals.in_msgs + self.totals.out_msgs - moved
            self.vigil.rest(self.routing.steps - begun, moved)

    cdef int _serve(self, uint32_t ready) except -1:
        """Lets those go on that have waited, each for its share of the turn; `ready` others share
        with them."""
        cdef Turner item
        if not self.unfinished:
            self.slice_steps = max(SLICE_STEPS_MIN, TURN_STEPS // max(1, ready))
            return 0
        batch, self.unfinished = self.unfinished[:POLL_EVENTS], self.unfinished[POLL_EVENTS:]
        self.slice_steps = max(SLICE_STEPS_MIN, TURN_STEPS // (ready + len(batch)))
        for item in batch:
            self.slice_end = self.routing.steps + self.slice_steps
            try:
                item.go_on()
            except Exception as error:
                self._contain(item, error)
        return 0

    cdef int finish_later(self, Turner item) except -1:
        """`go_on` is called in the next turn, or the next round of this one."""
        self.unfinished.append(item)
        if not self.in_turn:
            self._come_again()
        return 0

    cdef int add_chore(self, Chore chore) except -1:
        self.chores.append(chore)
        if not self.in_turn:
            self._come_again()
        return 0

    cdef int _work_on_chores(self) except -1:
        """Each for its share; one that has more goes to the end."""
        cdef uint64_t until = self.routing.steps + CHORE_STEPS
        cdef Py_ssize_t left = len(self.chores)
        cdef uint64_t share = max(SLICE_STEPS_MIN, CHORE_STEPS // max(1, left))
        cdef Chore chore
        while self.chores and self.routing.steps < until:
            if left == 0:  # everybody has had a turn: what is left goes to those with more
                left = len(self.chores)
                share = max(SLICE_STEPS_MIN, (until - self.routing.steps) // left)
            left -= 1
            chore = self.chores.popleft()
            try:
                if chore.work(self, min(until, self.routing.steps + share)):
                    self.chores.append(chore)
            except Exception as error:
                self.handler.on_internal_error(chore, error)
        return 0

    cdef int _finish_work(self) except -1:
        """Chores, and what they have sent or ended."""
        if self.chores:
            self._work_on_chores()
            self._settle()
        return 0

    cdef int _come_again(self) except -1:
        """Has the loop call the next turn where something waits for it."""
        if self.unfinished or self.chores or self.closing or queue_length(&self.bulk):
            if not self.turn_scheduled and self.epoll_fd >= 0:
                self.turn_scheduled = True
                self.loop.call_soon(self._next_turn)
        return 0

    def _next_turn(self) -> None:
        self.turn_scheduled = False
        if self.epoll_fd >= 0:
            self.turn()

    cdef int _settle(self) except -1:
        """Flushes and closes until nothing is left but what may wait: a close may resume producers
        or publish events, which makes new output that would otherwise wait for the next turn."""
        cdef uint64_t until = self.routing.steps + SETTLE_STEPS
        while queue_length(&self.dirty) or self.closing or self.turn_work:
            if self.turn_work:
                turn_work, self.turn_work = self.turn_work, []
                for work in turn_work:
                    work()
            self._flush(&self.dirty, NEVER)
            self._finish_closing(until)
            if self.routing.steps >= until and not self.turn_work and not queue_length(&self.dirty):
                break
        self._flush(&self.bulk, until)
        return 0

    def at_turn_end(self, work) -> None:
        """Runs `work()` once when everything that is readable now has been handled, before
        output is sent. It must not raise."""
        self.turn_work.append(work)
        if not self.in_turn and not self.finish_scheduled:
            self.finish_scheduled = True
            self.loop.call_soon(self._finish_turn)

    def _contain(self, item, error) -> None:
        """A bug in our code ends the connection that met it, never the server."""
        self.handler.on_internal_error(item, error)
        if isinstance(item, Peer):
            (<Peer>item).close_with(REASON_PROTOCOL)

    def tick(self) -> None:
        """Timers of all connections: deadlines, pings, authentication."""
        self.tick_timer = self.loop.call_later(self.tick_interval_s, self.tick)
        if not self.ticking:
            self.ticking = list(self.connections.values())
            self.tick_at = 0
            self._tick_on()

    def _tick_on(self) -> None:
        """The next of the connections whose time it is."""
        cdef Peer connection
        if self.epoll_fd < 0:
            return
        self.now = monotonic_ns()
        batch = self.ticking[self.tick_at:self.tick_at + TICK_BATCH]
        self.tick_at += TICK_BATCH
        self.in_turn = True
        try:
            for connection in batch:
                if connection.closing:
                    continue
                try:
                    connection.on_tick()
                except Exception as error:
                    self._contain(connection, error)
            self._settle()
        finally:
            self.in_turn = False
        self._come_again()
        if self.tick_at < len(self.ticking):
            self.loop.call_soon(self._tick_on)
        else:
            self.ticking = []

    # --- output ---

    cdef int mark_dirty(self, Peer connection) except -1:
        queue_put(&self.bulk if self.routing.bulk else &self.dirty, <void*>connection)
        Py_INCREF(connection)  # until flushed
        connection.is_dirty = True
        if not self.in_turn and not self.finish_scheduled:
            self.finish_scheduled = True
            self.loop.call_soon(self._finish_turn)
        return 0

    def within_turn(self, work) -> None:
        """Runs `work()` and sends what it queued at once, as a turn would at its end."""
        if self.in_turn:
            work()
            return
        self.now = monotonic_ns()
        self.in_turn = True
        try:
            work()
            self._settle()
        finally:
            self.in_turn = False
        self._come_again()

    def _finish_turn(self) -> None:
        """Flushes and closes what Python code outside a turn has queued."""
        self.finish_scheduled = False
        self.in_turn = True
        try:
            self._settle()
        finally:
            self.in_turn = False
        self._come_again()

    cdef int flush_dirty(self) except -1:
        """Sends all but bulk, which may wait."""
        return self._flush(&self.dirty, NEVER)

    cdef int _flush(self, PointerQueue* queue, uint64_t until) except -1:
        cdef Peer connection
        while queue_length(queue) and self.routing.steps < until:
            connection = <Peer>queue_take(queue)
            connection.is_dirty = False
            try:
                if not connection.blocked:
                    connection.flush()
            except Exception as error:
                self._contain(connection, error)
            finally:
                Py_DECREF(connection)
        return 0

    cdef char* take_buffer(self) except NULL:
        cdef char* buffer
        count_made(BUFFERS)
        if self.pool_length:
            self.pool_length -= 1
            return self.pool[self.pool_length]
        buffer = <char*>malloc(OUT_BUFFER)
        if buffer == NULL:
            count_gone(BUFFERS)
            raise MemoryError()
        return buffer

    cdef void give_buffer(self, char* buffer) noexcept:
        count_gone(BUFFERS)
        if self.pool_length < OUT_POOL:
            self.pool[self.pool_length] = buffer
            self.pool_length += 1
        else:
            free(buffer)

    # --- back-pressure ---

    cdef int hold_back(self, Peer producer, Peer receiver, size_t pending) except -1:
        """Pauses a producer whose receiver has a backlog: first for as long as the receiver
        keeps draining (at most BACKLOG_HOLD_MS), near max_pending for a few ms per read."""
        cdef int64_t until
        cdef bint wakes = False  # the receiver lets go when it has drained, before the time is up
        if not producer.may_stall or producer is receiver or producer.closing:
            return 0
        if pending * 4 > <size_t>self.max_pending * 3:
            if not self.stall_producers:
                return 0
            until = self.now + (
                STALL_MAX_MS if pending >= <size_t>self.max_pending else STALL_MIN_MS
            ) * 1000000
        else:
            if receiver.backlog_since_ns == 0:
                receiver.backlog_since_ns = self.now
            until = receiver.backlog_since_ns + BACKLOG_HOLD_MS * 1000000
            if until <= self.now:
                return 0  # it had its time; the other receivers must not wait longer
            wakes = True
        if producer.paused & PAUSE_STALL:
            if until > producer.stall_until_ns:
                producer.stall_until_ns = until
            return 0
        producer.stalls += 1
        self.stalls += 1
        producer.stall_until_ns = until
        producer.pause(PAUSE_STALL)
        if wakes:  # once per producer and backlog, so the list is bounded
            receiver.waiters.append(producer)
        self.stalled.append(producer)
        if self.stall_timer is None:
            self.stall_timer = self.loop.call_later(
                max(0.0005, (until - self.now) / 1e9), self._end_stalls
            )
        return 0

    cdef int release(self, Peer receiver) except -1:
        """The receiver has drained: its producers go on."""
        cdef Turner waiter
        receiver.backlog_since_ns = 0
        receiver.full = False
        waiters, receiver.waiters = receiver.waiters, []
        for waiter in waiters:
            if waiter.refused:  # its turn, where one backlog follows the other
                waiter.let_go(receiver)
        for waiter in waiters:
            if not waiter.refused:
                waiter.let_go(receiver)
        return 0

    cdef int begin_backlog(self, Peer receiver, Turner waiter) except -1:
        if receiver.backlog_since_ns == 0:
            receiver.backlog_since_ns = self.now
        receiver.full = True
        receiver.waiters.append(waiter)
        return 0

    def _resume_producer(self, Peer producer) -> None:
        """Lets a producer go on. That parses its input, and an error in it must not end the receiver."""
        try:
            producer.resume(PAUSE_STALL)
        except Exception as error:
            self._contain(producer, error)

    def _end_stalls(self) -> None:
        self.stall_timer = None
        self.now = monotonic_ns()
        cdef Peer producer
        # A producer may be in the list twice (let go and held again); one that is held back anew
        # below goes to the new list.
        stalled, self.stalled = dict.fromkeys(self.stalled), []
        for producer in stalled:
            if producer.closing or not producer.paused & PAUSE_STALL:
                continue
            if producer.stall_until_ns <= self.now:
                self._resume_producer(producer)
            else:
                self.stalled.append(producer)
        if self.stall_timer is not None:  # set by hold_back just now; timers must not multiply
            self.stall_timer.cancel()
            self.stall_timer = None
        if self.stalled:
            soonest = min([(<Peer>held).stall_until_ns for held in self.stalled])
            self.stall_timer = self.loop.call_later(
                max(0.0005, (soonest - self.now) / 1e9), self._end_stalls
            )

    # --- closing ---

    cdef int schedule_close(self, Peer connection) except -1:
        self.closing.append(connection)
        if not self.in_turn and not self.finish_scheduled:
            self.finish_scheduled = True
            self.loop.call_soon(self._finish_turn)
        return 0

    cdef int _finish_closing(self, uint64_t until) except -1:
        """Takes connections apart that have ended; the rest waits for the next turn."""
        cdef Peer connection
        while self.closing and self.routing.steps < until:
            batch, self.closing = self.closing[:CLOSE_BATCH], self.closing[CLOSE_BATCH:]
            for connection in batch:
                self.routing.steps += CLOSE_STEPS
                try:
                    connection.finish_close()
                except Exception as error:
                    self.handler.on_internal_error(connection, error)
        return 0
