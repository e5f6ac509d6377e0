"""Beginnings of layers, step by step, in threads: a handshake costs as much as a thousand messages.

The threads work without the interpreter: what waits for them and what they have done are lists in C
behind one lock, held for a few instructions. They need the interpreter to say why a step has failed,
and for layers that are written in Python. What is done comes back in a turn, by a descriptor.

Fair by address (with IPv6, by network): each that has something to do gets one step, then the
next one does. A connection has at most one step waiting or being done, and is not read meanwhile.
Of those that have ended meanwhile nothing is done.
"""
from libc.stdint cimport uint32_t

from pynats_server.core.engine cimport Engine, Pollable
from pynats_server.core.sockets.layer cimport Layer, LayerCalls

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass


cdef struct Job:
    # A step as the threads see it.
    Job* next
    Queue* queue
    const LayerCalls* calls
    void* state
    const char* data
    size_t length
    const bint* gone  # nobody waits for it any more
    int answer
    void* step


cdef struct Queue:
    # What waits of one address, and the next address whose turn it is.
    Job* first
    Job* last
    Queue* next


cdef class Step:
    """What a layer is given, and who is told its answer. It lives until it has been told."""
    cdef Layer layer
    cdef bytes data
    cdef object done
    cdef str found  # why it failed
    cdef bint dropped
    cdef Address address
    cdef Job job

    cdef explain(self)


cdef class Address:
    cdef object key
    cdef Queue queue
    cdef size_t untold  # steps


cdef class Greetings(Pollable):
    cdef Engine engine
    cdef int most
    cdef int batch
    cdef list threads
    cdef dict addresses
    cdef set steps
    cdef pthread_mutex_t lock  # for what follows
    cdef pthread_cond_t more
    cdef Queue* first
    cdef Queue* last
    cdef Job* done_first
    cdef Job* done_last
    cdef int idle  # threads
    cdef bint told  # the descriptor is readable
    cdef bint closed

    cdef int submit(self, str address, Step step) except -1
    cdef void _line_up(self, Queue* queue) noexcept nogil
    cdef Job* _work(self) noexcept nogil
    cdef Job* _next(self) noexcept nogil
    cdef void _hand_over(self, Job* job) noexcept nogil
    cdef list _take(self)
