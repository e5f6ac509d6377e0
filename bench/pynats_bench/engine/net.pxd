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


cdef extern from "time.h" nogil:
    cdef struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *out)
    enum: CLOCK_MONOTONIC
    enum: CLOCK_THREAD_CPUTIME_ID


cdef inline int64_t clock_ns(int clock) noexcept nogil:
    cdef timespec now
    clock_gettime(clock, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef inline int send_all(int fd, const char *data, size_t size) noexcept nogil:
    """Send everything, waiting up to ten seconds at a time for room. 0, or -1 with errno."""
    cdef pollfd wait
    cdef ssize_t sent
    while size:
        sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT)
        if sent >= 0:
            data += sent
            size -= sent
        elif errno == EAGAIN:
            wait.fd = fd
            wait.events = POLLOUT
            wait.revents = 0
            if poll(&wait, 1, 10000) == 0:
                return -1
        elif errno != EINTR:
            return -1
    return 0
