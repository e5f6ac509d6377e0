"""The system calls of sockets that carry messages."""

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len

cdef extern from "<sys/socket.h>" nogil:
    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    ssize_t recv(int fd, void* buf, size_t length, int flags)
    ssize_t recvmsg(int fd, msghdr* message, int flags)
    ssize_t send(int fd, const void* buf, size_t length, int flags)
    ssize_t sendmsg(int fd, const msghdr* message, int flags)
    int shutdown(int fd, int how)
    enum:
        MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR
