"""The loop's I/O side: readiness, turns, memory for input and output, back-pressure, closing.

One thread owns everything here. The engine watches its sockets with an epoll set of its own, and the
asyncio loop watches that one descriptor: however many connections are ready, the loop runs a single
Python callback, and all reading and writing below it is compiled.

A turn: poll -> for each ready socket read, parse and route (output is only queued) -> flush each
connection with output once -> finish closing connections -> chores. Order per publisher and receiver
holds because a receiver's output is one sequence that only deliveries append to.

Nobody waits for somebody else: work is counted in steps (`limits`), each connection has its share of
a turn's steps, and what it has not parsed then waits for the next turn. So do output of messages
that reached very many, ends of connections, and chores, beyond their steps.

After a small turn the engine may stay awake for a moment, if that has paid lately (`readiness`).
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from pynats_server.core.figures cimport Counted
from pynats_server.core.interest.subscription cimport Sink
from pynats_server.core.limits cimport STEP_BYTES_SHIFT
from pynats_server.core.memory.chunks cimport Chunk
from pynats_server.core.memory.pointerqueue cimport PointerQueue
from pynats_server.core.readiness.vigil cimport Vigil


cdef struct Routing:
    # What routing a message needs of the engine.
    uint64_t random
    uint64_t steps  # done so far, of any kind
    bint bulk  # the message reaches very many
    int imports  # services of other accounts that it is being led through
    void* answering  # the account whose answer is on its way: it asks no service of a third one


cdef class Turner(Sink):
    """Who takes part in turns: goes on with what waits, for its share of a turn (`is_spent`)."""
    cdef bint refused  # held back without having sent anything: goes on first
    cdef int go_on(self) except -1
    # A receiver that held it back has drained, or ended.
    cdef int let_go(self, Peer receiver) except -1


cdef class Pollable(Turner):
    cdef readonly int fd
    cdef int on_ready(self, uint32_t events) except -1


cdef enum PauseReason:
    PAUSE_AUTH = 1
    PAUSE_STALL = 2
    PAUSE_JUDGE = 4  # new permissions are being applied
    PAUSE_RATE = 8  # it has published as much as it may in the time
    PAUSE_WORK = 16  # what it asked for is still being done
    PAUSE_GREETING = 32  # a step of a layer's beginning is being done in a thread


cdef class Peer(Pollable):
    """What the engine knows of a connection: it is flushed, timed, held back and closed."""
    cdef readonly Engine engine
    cdef readonly uint64_t cid
    cdef readonly bint closing
    cdef bint is_dirty
    cdef bint blocked  # the kernel's buffer is full: waiting for writability
    cdef bint may_stall  # a producer that back-pressure may pause
    cdef uint32_t paused  # PauseReason bits
    cdef int64_t backlog_since_ns  # when the backlog passed BACKLOG_HIGH, 0 = below
    cdef list waiters  # Turners held back by this receiver
    cdef int64_t stall_until_ns
    cdef readonly uint64_t stalls
    # What services of other accounts are told of it, by who tells; None = nothing, or it has changed.
    cdef dict told

    cdef int flush(self) except -1
    cdef int on_tick(self) except -1
    cdef int close_with(self, int reason) except -1
    cdef int finish_close(self) except -1
    cdef int pause(self, uint32_t why) except -1
    cdef int resume(self, uint32_t why) except -1


cdef class Chore:
    """Work that may wait and is done in pieces: every chore has its share of a turn's steps for them,
    and where there are very many, they take turns."""
    # Works until `routing.steps` has reached `until`. Returns whether there is more.
    cdef bint work(self, Engine engine, uint64_t until) except -1


cdef class Engine(Counted):
    cdef object loop
    cdef readonly object handler
    cdef object workroom  # what layers of connections share, once there is one; has a close()
    cdef int epoll_fd
    cdef void** watched  # Pollable by descriptor, owned references
    cdef int watched_size
    cdef Chunk* chunk  # what sockets are read into
    cdef Chunk* current  # what is being parsed now
    cdef PointerQueue dirty  # Peers with output, owned references
    cdef PointerQueue bulk  # the same for what messages to very many have left
    cdef list unfinished  # Turners that go on in the next turn
    cdef object chores  # deque
    cdef uint64_t slice_end  # the steps at which who is being served must stop
    cdef uint64_t slice_steps
    cdef char** pool
    cdef uint32_t pool_length
    cdef list closing
    cdef list ticking  # connections whose timers are still to be looked at
    cdef size_t tick_at
    cdef list turn_work  # callables for the end of the turn
    cdef list stalled
    cdef object stall_timer
    cdef object tick_timer
    cdef bint in_turn
    cdef bint finish_scheduled
    cdef bint turn_scheduled
    cdef readonly Vigil vigil
    cdef readonly object pacer
    cdef Routing routing
    cdef readonly int64_t now  # monotonic, ns, of this turn
    cdef public bint tracing
    cdef public int64_t max_pending
    cdef public int64_t write_deadline_ns
    cdef public bint stall_producers
    cdef public double tick_interval_s
    cdef readonly dict connections  # cid -> Peer
    cdef uint64_t last_cid
    cdef uint64_t run_stamp
    cdef public uint64_t slow_consumers
    cdef public uint64_t stale_connections
    cdef public uint64_t stalls
    cdef public uint64_t throttles
    cdef public uint64_t refusals
    cdef public uint64_t total_connections

    cdef int mark_dirty(self, Peer connection) except -1
    cdef int flush_dirty(self) except -1
    cdef int _flush(self, PointerQueue* queue, uint64_t until) except -1
    cdef int _settle(self) except -1
    cdef int _serve(self, uint32_t ready) except -1
    cdef int _finish_closing(self, uint64_t until) except -1
    cdef int _work_on_chores(self) except -1
    cdef int _come_again(self) except -1
    cdef int _finish_work(self) except -1
    cdef int finish_later(self, Turner item) except -1
    cdef int add_chore(self, Chore chore) except -1
    cdef int watch(self, Pollable item, uint32_t events) except -1
    cdef int unwatch(self, Pollable item) except -1
    cdef int hold_back(self, Peer producer, Peer receiver, size_t pending) except -1
    cdef int release(self, Peer receiver) except -1
    # The receiver has a backlog: `release` follows when it has drained, or has ended.
    cdef int begin_backlog(self, Peer receiver, Turner waiter) except -1
    cdef int schedule_close(self, Peer connection) except -1
    cdef char* take_buffer(self) except NULL
    cdef void give_buffer(self, char* buffer) noexcept


# Whether who is being served has had its share of this turn.
cdef inline bint is_spent(Engine engine) noexcept:
    return engine.routing.steps >= engine.slice_end

cdef inline void count_bytes(Engine engine, size_t length) noexcept:
    engine.routing.steps += length >> STEP_BYTES_SHIFT
