# cython: boundscheck=False
"""Threads that do nothing but fsync, and never hold the interpreter lock.

A Python worker has to win the lock back from a busy event loop after every fsync, which costs up
to the interpreter's switch interval (5 ms) each time. These threads take file descriptors from a
queue, sync them and wake the loop through an eventfd; the loop collects results when it reads it.
"""

from libc.errno cimport EINTR, errno
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc

import os

cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_t:
        pass
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_create(pthread_t *thread, void *attr, void *(*start)(void *) noexcept nogil,
                       void *arg)
    int pthread_join(pthread_t thread, void **value)
    int pthread_mutex_init(pthread_mutex_t *mutex, void *attr)
    int pthread_mutex_destroy(pthread_mutex_t *mutex)
    int pthread_mutex_lock(pthread_mutex_t *mutex)
    int pthread_mutex_unlock(pthread_mutex_t *mutex)
    int pthread_cond_init(pthread_cond_t *cond, void *attr)
    int pthread_cond_destroy(pthread_cond_t *cond)
    int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
    int pthread_cond_signal(pthread_cond_t *cond)
    int pthread_cond_broadcast(pthread_cond_t *cond)

cdef extern from "unistd.h" nogil:
    int fdatasync(int fd)
    int fsync(int fd)
    ssize_t write(int fd, const void *data, size_t size)

cdef enum:
    THREADS_MAX = 16

cdef struct Job:
    Job *next
    uint64_t tag
    int error
    int files, folders      # `fds` holds the files first
    int fds[1]

cdef struct Shared:
    pthread_mutex_t lock
    pthread_cond_t work, idle
    Job *head               # waiting
    Job *tail
    Job *done
    int running             # jobs being worked on
    int stop
    int event


cdef void sync_all(Job *job) noexcept nogil:
    cdef int i, result
    for i in range(job.files + job.folders):
        while True:
            result = fdatasync(job.fds[i]) if i < job.files else fsync(job.fds[i])
            if result == 0 or errno != EINTR:
                break
        if result != 0:
            job.error = errno
            return


cdef void *serve(void *arg) noexcept nogil:
    cdef Shared *shared = <Shared *>arg
    cdef Job *job
    cdef uint64_t one = 1
    pthread_mutex_lock(&shared.lock)
    while True:
        while shared.head == NULL and not shared.stop:
            pthread_cond_wait(&shared.work, &shared.lock)
        job = shared.head
        if job == NULL:
            break
        shared.head = job.next
        if shared.head == NULL:
            shared.tail = NULL
        shared.running += 1
        pthread_mutex_unlock(&shared.lock)
        sync_all(job)
        pthread_mutex_lock(&shared.lock)
        job.next = shared.done
        shared.done = job
        shared.running -= 1
        # The counter of an eventfd cannot fill up with one per job.
        write(shared.event, &one, 8)
        if shared.running == 0 and shared.head == NULL:
            pthread_cond_broadcast(&shared.idle)
    pthread_mutex_unlock(&shared.lock)
    return NULL


cdef class SyncThreads:
    """`count` threads over one queue; `event` is the descriptor to watch for reading."""

    cdef Shared shared
    cdef pthread_t threads[THREADS_MAX]
    cdef int started
    cdef bint closed
    cdef readonly int event

    def __cinit__(self, int count=4):
        cdef int i
        if not 1 <= count <= THREADS_MAX:
            raise ValueError("1 to 16 threads")
        self.event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.shared.event = self.event
        pthread_mutex_init(&self.shared.lock, NULL)
        pthread_cond_init(&self.shared.work, NULL)
        pthread_cond_init(&self.shared.idle, NULL)
        for i in range(count):
            if pthread_create(&self.threads[i], NULL, serve, &self.shared) != 0:
                break
            self.started += 1
        if self.started == 0:
            self.close()
            raise OSError("cannot start a sync thread")

    def __dealloc__(self):
        self.close()

    def submit(self, uint64_t tag, list files, list folders):
        """Queue one job: fdatasync of every file, then fsync of every folder. The descriptors
        must stay open until `finished` has returned `tag`."""
        cdef int count = len(files) + len(folders), i = 0
        cdef Job *job
        if self.closed:
            raise ValueError("closed")
        job = <Job *>malloc(sizeof(Job) + count * sizeof(int))
        if job == NULL:
            raise MemoryError
        job.next, job.tag, job.error = NULL, tag, 0
        job.files, job.folders = len(files), len(folders)
        for fd in files + folders:
            job.fds[i] = fd
            i += 1
        pthread_mutex_lock(&self.shared.lock)
        if self.shared.tail == NULL:
            self.shared.head = job
        else:
            self.shared.tail.next = job
        self.shared.tail = job
        pthread_cond_signal(&self.shared.work)
        pthread_mutex_unlock(&self.shared.lock)

    def finished(self):
        """[(tag, errno or 0)] of the jobs done since the last call; resets `event`."""
        cdef Job *job
        cdef Job *following
        if self.closed:
            return []
        try:
            os.eventfd_read(self.event)
        except BlockingIOError:
            pass
        pthread_mutex_lock(&self.shared.lock)
        job = self.shared.done
        self.shared.done = NULL
        pthread_mutex_unlock(&self.shared.lock)
        out = []
        while job != NULL:
            following = job.next
            out.append((job.tag, job.error))
            free(job)
            job = following
        out.reverse()
        return out

    def wait_idle(self):
        """Block until every job submitted so far is done (shutdown)."""
        with nogil:
            pthread_mutex_lock(&self.shared.lock)
            while self.shared.running or self.shared.head != NULL:
                pthread_cond_wait(&self.shared.idle, &self.shared.lock)
            pthread_mutex_unlock(&self.shared.lock)

    def close(self):
        """Finish what is queued and end the threads."""
        cdef int i
        cdef Job *job
        if self.closed:
            return
        self.closed = True
        with nogil:
            pthread_mutex_lock(&self.shared.lock)
            self.shared.stop = 1
            pthread_cond_broadcast(&self.shared.work)
            pthread_mutex_unlock(&self.shared.lock)
            for i in range(self.started):
                pthread_join(self.threads[i], NULL)
        while self.shared.done != NULL:
            job = self.shared.done
            self.shared.done = job.next
            free(job)
        pthread_cond_destroy(&self.shared.work)
        pthread_cond_destroy(&self.shared.idle)
        pthread_mutex_destroy(&self.shared.lock)
        os.close(self.event)
