"""Linux socket, epoll and clock calls shared by the load engine and the relay."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.errno cimport EAGAIN, EINTR, errno
from libc.time cimport time_t


cdef extern from "sys/socket.h" nogil:
    ssize_t recv(int fd, void *data, size_t size, int flags)
    ssize_t send(int fd, const void *data, size_t size, int flags)
    enum: MSG_NOSIGNAL
    enum: MSG_DONTWAIT


cdef extern from "poll.h" nogil:
    cdef struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd *fds, unsigned long count, int timeout_ms)
    enum: POLLIN
    enum: POLLOUT


cdef extern from "sys/epoll.h" nogil:
    ctypedef union epoll_data_t:
        uint64_t u64
    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int count, int timeout_ms)
    enum: EPOLLIN
    enum: EPOLLOUT
    enum: EPOLL_CTL_ADD
    enum: EPOLL_CTL_MOD
    enum: EPOLL_CLOEXEC


cdef extern from "sys/prctl.h" nogil:
    int prctl(int option, unsigned long value)
    enum: PR_SET_TIMERSLACK


cdef extern from "time.h" nogil:
    cdef struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *out)
    enum: CLOCK_MONOTONIC
    enum: CLOCK_REALTIME
    enum: CLOCK_THREAD_CPUTIME_ID


cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <errno.h>
    #include <poll.h>
    #define pynats_bench_set_errno(code) (errno = (code))

    /* Until the descriptor can be read, at most so many nanoseconds. */
    static inline int pynats_bench_poll_ns(int fd, long long wait_ns) {
        struct pollfd one = {fd, POLLIN, 0};
        struct timespec limit = {wait_ns / 1000000000, wait_ns % 1000000000};
        return ppoll(&one, 1, &limit, NULL);
    }
    """
    enum: ECANCELED
    void set_errno "pynats_bench_set_errno"(int code) noexcept nogil
    int poll_ns "pynats_bench_poll_ns"(int fd, long long wait_ns) noexcept nogil


cdef enum:
    TICK_MS = 25                 # how often who waits looks whether it is to stop
    PATIENCE_NS = 10000000000    # for room in a socket, where nobody says how long


cdef inline int64_t clock_ns(int clock) noexcept nogil:
    cdef timespec now
    clock_gettime(clock, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef inline int send_all(
    int fd, const char *data, size_t size, const bint *stopping, int64_t patience_ns
) noexcept nogil:
    """Send everything, waiting for room, at most so long without any (0: for ever). 0, or -1 with
    errno: ECANCELED when it was to stop (`stopping` may be NULL)."""
    cdef pollfd wait
    cdef ssize_t sent
    cdef int64_t waited_ms = 0
    while size:
        sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT)
        if sent >= 0:
            data += sent
            size -= sent
            waited_ms = 0
        elif errno == EAGAIN:
            if stopping != NULL and stopping[0]:
                set_errno(ECANCELED)
                return -1
            wait.fd = fd
            wait.events = POLLOUT
            wait.revents = 0
            if poll(&wait, 1, TICK_MS) == 0:
                waited_ms += TICK_MS
                if patience_ns and waited_ms * 1000000 >= patience_ns:
                    set_errno(EAGAIN)
                    return -1
        elif errno != EINTR:
            return -1
    return 0
