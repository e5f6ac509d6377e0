"""See greetings.pxd."""
from libc.errno cimport errno
from libc.stdint cimport uint32_t, uint64_t
from posix.unistd cimport close as c_close, read, write

import os
import socket
import threading

from pynats_server.core.engine cimport Engine, Pollable
from pynats_server.core.epoll cimport EPOLLIN
from pynats_server.core.limits cimport CALL_STEPS, GREETED_STEPS
from pynats_server.core.sockets.layer cimport LAYER_FAILED, LAYER_READY, Layer

cdef extern from "<sys/eventfd.h>" nogil:
    int eventfd(unsigned int initval, int flags)
    enum:
        EFD_CLOEXEC, EFD_NONBLOCK

cdef extern from "<pthread.h>" nogil:
    int pthread_mutex_init(pthread_mutex_t* mutex, void* attributes)
    int pthread_mutex_destroy(pthread_mutex_t* mutex)
    int pthread_mutex_lock(pthread_mutex_t* mutex)
    int pthread_mutex_unlock(pthread_mutex_t* mutex)
    int pthread_cond_init(pthread_cond_t* condition, void* attributes)
    int pthread_cond_destroy(pthread_cond_t* condition)
    int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex)
    int pthread_cond_signal(pthread_cond_t* condition)
    int pthread_cond_broadcast(pthread_cond_t* condition)

cdef bytes MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address, as sockets for both kinds show it


cdef class Step:
    """`done(answer, why)` gets the layer's answer on the loop, and why it failed if it did."""

    def __init__(self, Layer layer not None, bytes data not None, done):
        self.layer = layer
        self.data = data
        self.done = done
        self.job.calls = layer.calls
        self.job.state = layer.state
        self.job.data = data
        self.job.length = len(data)
        self.job.gone = &self.dropped
        self.job.answer = LAYER_FAILED
        self.job.step = <void*>self

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self.dropped = True

    cdef explain(self):
        try:
            self.found = self.layer.failure()
        except Exception as error:
            self.found = f"internal error: {error!r}"


cdef class Address:
    """Of those that have something to do."""


cdef class Greetings(Pollable):
    """The threads, and who waits for them."""

    def __cinit__(self):
        self.fd = -1
        pthread_mutex_init(&self.lock, NULL)
        pthread_cond_init(&self.more, NULL)

    def __init__(self, Engine engine not None, int threads, int batch):
        self.engine = engine
        self.most = threads
        self.batch = batch
        self.threads = []
        self.addresses = {}
        self.steps = set()
        self.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        if self.fd < 0:
            raise OSError(errno, os.strerror(errno))
        engine.watch(self, EPOLLIN)

    def __dealloc__(self):
        if self.fd >= 0:
            c_close(self.fd)
        pthread_cond_destroy(&self.more)
        pthread_mutex_destroy(&self.lock)

    def add(self, str address not None, Step step not None) -> None:
        """A step for somebody from an address."""
        self.submit(address, step)

    cdef int submit(self, str address, Step step) except -1:
        cdef Address turn
        cdef Job* job = &step.job
        cdef Queue* queue
        cdef bint starts
        if self.closed:
            return 0
        key = _turn_of(address)
        turn = self.addresses.get(key)
        if turn is None:
            turn = self.addresses[key] = Address()
            turn.key = key
        turn.untold += 1
        step.address = turn
        self.steps.add(step)
        queue = job.queue = &turn.queue
        pthread_mutex_lock(&self.lock)
        if queue.first == NULL:
            queue.first = job
            self._line_up(queue)
        else:
            queue.last.next = job
        queue.last = job
        starts = self.idle == 0 and len(self.threads) < self.most
        pthread_mutex_unlock(&self.lock)
        pthread_cond_signal(&self.more)
        if starts:
            thread = threading.Thread(target=self._run, name="tls", daemon=True)
            thread.start()  # the system may not let it
            self.threads.append(thread)
        return 0

    cdef void _line_up(self, Queue* queue) noexcept nogil:
        """Behind the others."""
        queue.next = NULL
        if self.first == NULL:
            self.first = queue
        else:
            self.last.next = queue
        self.last = queue

    def close(self) -> None:
        """What waits is not done any more. Waits for what is being done, which is short."""
        if self.closed:
            return
        pthread_mutex_lock(&self.lock)
        self.closed = True
        pthread_mutex_unlock(&self.lock)
        pthread_cond_broadcast(&self.more)
        for thread in self.threads:
            thread.join()
        self.first = self.last = NULL
        self.done_first = self.done_last = NULL
        self.steps.clear()
        self.addresses.clear()
        self.engine.unwatch(self)
        c_close(self.fd)
        self.fd = -1

    # --- in a thread ---

    def _run(self) -> None:
        cdef Job* job
        while True:
            with nogil:
                job = self._work()
            if job == NULL:
                return
            (<Step>job.step).explain()
            with nogil:
                self._hand_over(job)

    cdef Job* _work(self) noexcept nogil:
        """Goes on until a step fails, which has to be explained, or all ends: NULL."""
        cdef Job* job
        while True:
            job = self._next()
            if job == NULL:
                return NULL
            if not job.gone[0]:
                job.answer = job.calls.greet(job.state, job.data, job.length)
                if job.answer == LAYER_FAILED:
                    return job
            self._hand_over(job)

    cdef Job* _next(self) noexcept nogil:
        cdef Queue* queue
        cdef Job* job = NULL
        pthread_mutex_lock(&self.lock)
        while self.first == NULL and not self.closed:
            self.idle += 1
            pthread_cond_wait(&self.more, &self.lock)
            self.idle -= 1
        if not self.closed:
            queue = self.first
            self.first = queue.next
            job = queue.first
            queue.first = job.next
            job.next = NULL
            if queue.first != NULL:
                self._line_up(queue)
        pthread_mutex_unlock(&self.lock)
        return job

    cdef void _hand_over(self, Job* job) noexcept nogil:
        cdef uint64_t one = 1
        cdef bint tells
        pthread_mutex_lock(&self.lock)
        if self.done_first == NULL:
            self.done_first = job
        else:
            self.done_last.next = job
        self.done_last = job
        tells = not self.told
        self.told = True
        pthread_mutex_unlock(&self.lock)
        if tells:
            write(self.fd, &one, sizeof(one))

    # --- on the loop ---

    cdef int on_ready(self, uint32_t events) except -1:
        cdef Step step
        for step in self._take():
            self.engine.routing.steps += GREETED_STEPS if step.job.answer == LAYER_READY else CALL_STEPS
            try:
                step.done(step.job.answer, step.found)
            except Exception as error:
                self.engine._contain(self, error)
        return 0

    cdef list _take(self):
        """So many of those that are done."""
        cdef uint64_t count
        cdef Job* job
        cdef Job* first
        cdef Step step
        cdef int n = 0
        cdef list taken = []
        pthread_mutex_lock(&self.lock)
        first = job = self.done_first
        while job != NULL and n < self.batch:
            job = job.next
            n += 1
        self.done_first = job
        if job == NULL:
            self.told = False
            read(self.fd, &count, sizeof(count))
        pthread_mutex_unlock(&self.lock)
        while n:
            step = <Step>first.step
            first = first.next
            n -= 1
            taken.append(step)
            self.steps.discard(step)
            step.address.untold -= 1
            if step.address.untold == 0:
                del self.addresses[step.address.key]
            step.address = None
        return taken


cdef object _turn_of(str address):
    """Who takes turns: addresses, or networks of 64 bits where everybody has many addresses."""
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except OSError:
        return address
    if packed[:12] == MAPPED:
        return socket.inet_ntoa(packed[12:])
    return packed[:8]
