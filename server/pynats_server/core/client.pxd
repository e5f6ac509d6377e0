"""A client connection: the NATS client protocol. What receives is in `receiver`, what publishes in
`publishing`, the bytes in `protocol`; here are the commands, who may come in, and pings.

Between two reads nothing is kept of the input but `skipping`.
"""
from libc.stdint cimport int64_t, uint64_t

from pynats_server.core.protocol.wire cimport Frame, Op, Outcome
from pynats_server.core.publishing.publisher cimport Publisher


cdef class ClientConnection(Publisher):
    cdef Op skipping  # inside a line whose rest is ignored
    # CONNECT
    cdef public int protocol
    cdef public str name, lang, version
    cdef public object user  # what monitoring shows; None = anonymous
    cdef public object context  # state of the server layer for this connection
    # limits
    cdef public int64_t max_subscriptions  # negative = unlimited
    cdef public int64_t max_subscription_tokens  # 0 = unlimited
    # state
    cdef readonly bint awaiting_connect  # credentials are required and not given yet
    cdef public bint implicit_connect  # without CONNECT, the server picks the user (no_auth_user)
    cdef public bint connect_received
    cdef readonly bint first_pong_sent
    # pings
    cdef public int64_t auth_deadline  # monotonic ns, 0 = none
    cdef public int64_t ping_interval_ns
    cdef public int ping_max
    cdef int64_t next_ping
    cdef int64_t ping_sent
    cdef int pings_out
    cdef readonly int64_t rtt  # ns, 0 = unknown (before CONNECT)
    cdef bint rtt_measured  # by a PING; before that, rtt is the time that CONNECT took

    cdef Py_ssize_t command(self, char* p, char* end) except -2
    cdef Py_ssize_t _not_a_frame(self, Outcome outcome, Frame* frame, size_t available) except -2
    cdef Py_ssize_t publish_command(self, char* p, Frame* frame) except -2
    cdef int subscribe_command(self, const char* p, size_t n) except -1
    cdef int unsubscribe_command(self, const char* p, size_t n) except -1
    cdef int line_command(self, Op op, const char* p, size_t n) except -1
    cdef int ping_command(self) except -1
    cdef int reject(self, str text, Op op, bytes args, int reason=*) except -2
    cdef int fail(self, str text, int reason) except -1
    cdef int _ping(self) except -1
